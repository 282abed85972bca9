/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 20 };

/* --- files --- */

/* The whole text of a regular file, malloc'ed; NULL and why. */
static char *read_text(const char *path, size_t *len, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text = NULL;
	ssize_t got = 1;
	*why = NULL;
	*len = 0;
	if (fd < 0 || fstat(fd, &st) != 0)
		*why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		*why = "is no file";
	else if (st.st_size > FILE_MAX)
		*why = "is over 64 MiB";
	else if (!(text = malloc((size_t)st.st_size + 1)))
		*why = "out of memory";
	while (text && got > 0 && *len < (size_t)st.st_size) {
		got = read(fd, text + *len, (size_t)st.st_size - *len);
		*len += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		*why = strerror(errno);
	if (fd >= 0)
		close(fd);
	if (!*why)
		return text;
	free(text);
	return NULL;
}

static uint32_t line_count(const char *text, size_t len)
{
	uint32_t n = 1;
	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* The prefixes so far. */
struct pile {
	struct tg_prefix *list; /* [n], room for max */
	uint32_t n, max;
};

static bool make_room(struct pile *p, uint32_t more)
{
	if (p->max - p->n >= more)
		return true;
	struct tg_prefix *list = realloc(p->list, (size_t)(p->n + more) * sizeof(*list));
	if (!list)
		return false;
	p->list = list;
	p->max = p->n + more;
	return true;
}

struct source {
	const struct tg_conf *conf;
	const struct tg_conf_section *section;
	char *err;
	size_t err_size;
};

/* Puts the prefixes of the file that the key names onto the pile: how many, or -1. */
static int add_file(const struct source *s, const char *key, const char *path, bool deny,
		    struct pile *p)
{
	char text_err[TG_CONF_ERR];
	const char *why;
	uint32_t line = 0;
	size_t len;
	if (!path[0])
		return 0;
	char *text = read_text(path, &len, &why);
	if (!text)
		return tg_conf_fail(s->conf, tg_conf_line(s->section, key), s->err, s->err_size,
				    "%s = %s: cannot be read: %s", key, path, why);
	uint32_t lines = line_count(text, len);
	if (lines > TG_PREFIX_MAX - p->n)
		lines = TG_PREFIX_MAX - p->n;
	int n = -1;
	if (!make_room(p, lines))
		tg_conf_fail(s->conf, 0, s->err, s->err_size, "out of memory");
	else if ((n = tg_prefix_read(text, len, deny, p->list + p->n, lines, &line, text_err,
				     sizeof(text_err))) < 0)
		tg_conf_fail(s->conf, tg_conf_line(s->section, key), s->err, s->err_size,
			     "%s:%u: %s", path, line, text_err);
	free(text);
	p->n += n > 0 ? (uint32_t)n : 0;
	return n;
}

/* --- sets --- */

static bool add_allow(const struct tg_settings *set, struct pile *p)
{
	if (!make_room(p, set->allow_n))
		return false;
	for (uint32_t i = 0; i < set->allow_n; i++)
		p->list[p->n++] =
		    (struct tg_prefix){.net = set->allow[i].addr, .len = set->allow[i].prefix_len};
	return true;
}

static int gather(const struct source *s, struct pile *p, struct tg_policy_set *to)
{
	const struct tg_settings *set = &s->section->set;
	if (!add_allow(set, p))
		return tg_conf_fail(s->conf, 0, s->err, s->err_size, "out of memory");
	if (add_file(s, "allow_file", set->allow_file, false, p) < 0)
		return -1;
	to->allow_n = p->n;
	if (set->allow_file[0] && p->n == 0)
		return tg_conf_fail(
		    s->conf, tg_conf_line(s->section, "allow_file"), s->err, s->err_size,
		    "allow_file = %s: has no prefix, so nobody could connect: write "
		    "0.0.0.0/0 and ::/0 into it, or leave the key out",
		    set->allow_file);
	if (add_file(s, "deny_file", set->deny_file, true, p) < 0)
		return -1;
	to->deny_n = p->n - to->allow_n;
	return 0;
}

/* Pages of its own, so that a set that is given back leaves no hole in the heap. */
static int build(const struct source *s, struct tg_policy_set *to)
{
	struct pile p = {0};
	int rc = gather(s, &p, to);
	if (rc == 0) {
		to->bytes = tg_prefixes_footprint(p.list, p.n);
		to->memory = mmap(NULL, to->bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (to->memory != MAP_FAILED)
			to->prefixes = tg_prefixes_init(to->memory, p.list, p.n);
		else
			rc = tg_conf_fail(s->conf, 0, s->err, s->err_size, "out of memory");
	}
	free(p.list);
	return rc;
}

static bool is_open(const struct tg_settings *s)
{
	return s->allow_n == 0 && !s->allow_file[0] && !s->deny_file[0];
}

static bool is_same(const struct tg_settings *a, const struct tg_settings *b)
{
	return a->allow_n == b->allow_n && memcmp(a->allow, b->allow, sizeof(a->allow)) == 0 &&
	       strcmp(a->allow_file, b->allow_file) == 0 && strcmp(a->deny_file, b->deny_file) == 0;
}

static int add_section(struct tg_policy *p, const struct source *s, uint32_t i)
{
	p->of[i] = TG_NONE;
	if (is_open(&s->section->set))
		return 0;
	for (uint32_t k = 0; k < p->set_n && p->of[i] == TG_NONE; k++)
		if (is_same(&p->set[k].first->set, &s->section->set))
			p->of[i] = k;
	if (p->of[i] != TG_NONE)
		return 0;
	p->of[i] = p->set_n;
	p->set[p->set_n++] = (struct tg_policy_set){.first = s->section};
	return build(s, &p->set[p->set_n - 1]);
}

const struct tg_conf_section *tg_policy_section(const struct tg_conf *conf, uint32_t section)
{
	return section < conf->listener_n ? &conf->listener[section]
					  : &conf->pool[section - conf->listener_n];
}

int tg_policy_init(struct tg_policy *p, const struct tg_conf *conf, char *err, size_t err_size)
{
	uint32_t n = conf->listener_n + conf->pool_n;
	*p = (struct tg_policy){.section_n = n};
	p->set = calloc(n ? n : 1, sizeof(*p->set));
	p->of = calloc(n ? n : 1, sizeof(*p->of));
	int rc = 0;
	if (!p->set || !p->of)
		rc = tg_conf_fail(conf, 0, err, err_size, "out of memory");
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		const struct source s = {conf, tg_policy_section(conf, i), err, err_size};
		rc = add_section(p, &s, i);
	}
	for (uint32_t k = 0; k < p->set_n; k++)
		p->set[k].first = NULL; /* conf may go */
	if (rc != 0)
		tg_policy_fini(p);
	return rc;
}

void tg_policy_fini(struct tg_policy *p)
{
	for (uint32_t i = 0; i < p->set_n; i++)
		if (p->set[i].prefixes)
			munmap(p->set[i].memory, p->set[i].bytes);
	free(p->set);
	free(p->of);
	*p = (struct tg_policy){0};
}

const struct tg_prefixes *tg_policy_of(const struct tg_policy *p, uint32_t section)
{
	return p->of[section] == TG_NONE ? NULL : p->set[p->of[section]].prefixes;
}

void tg_policy_print(const struct tg_policy *p, const struct tg_conf *conf, const char *before,
		     FILE *out)
{
	for (uint32_t i = 0; i < p->section_n; i++) {
		if (p->of[i] == TG_NONE)
			continue;
		const struct tg_policy_set *s = &p->set[p->of[i]];
		fprintf(out, "%s%s %s: %u allowed and %u denied prefixes, %zu KiB\n", before,
			i < conf->listener_n ? "listener" : "pool",
			tg_policy_section(conf, i)->name, s->allow_n, s->deny_n,
			(s->bytes + 1023) >> 10);
	}
}
