/* SPDX-License-Identifier: BSD-3-Clause */
/* keys.c: `tidegate keys`: the key table as an annotated configuration file. */
#include "cli.h"
#include "tg_keys.h"

#include <stdio.h>

static const char usage[] =
    "usage: tidegate keys\n\n"
    "Prints every configuration key with its default, unit and range, as a file that can be\n"
    "filled in. Keys of a connection may stand in [engine] too, as defaults of all listeners.\n";

static void print_range(const struct tg_key *key)
{
	switch (key->type) {
	case TG_KEY_UINT:
		printf(" (%llu to %llu%s%s)", (unsigned long long)key->min,
		       (unsigned long long)key->max, key->unit ? " " : "",
		       key->unit ? key->unit : "");
		break;
	case TG_KEY_BOOL:
		printf(" (on | off)");
		break;
	case TG_KEY_WORD:
		printf(" (%s)", key->words);
		break;
	case TG_KEY_TEXT:
	case TG_KEY_ADDR:
		break;
	case TG_KEY_RANGE:
		printf(" (%llu to %llu)", (unsigned long long)key->min,
		       (unsigned long long)key->max);
		break;
	case TG_KEY_ADDR_LIST:
	case TG_KEY_PREFIX_LIST:
	case TG_KEY_RANGE_LIST:
	case TG_KEY_ENDPOINT_LIST:
		printf(" (at most %llu, parted by blanks)", (unsigned long long)key->max);
		break;
	}
	if (key->not_built)
		printf("; %s", key->not_built);
}

static void print_key(const struct tg_key *key)
{
	printf("; %s", key->sentence);
	print_range(key);
	printf("\n%s%s = %s\n", key->dflt[0] ? "" : ";", key->name, key->dflt);
}

/* Keys that may stand in `with`; of those that also may stand in `but`, none. */
static void print_section(const char *head, uint32_t with, uint32_t but)
{
	printf("%s\n", head);
	for (uint32_t i = 0; i < tg_key_n; i++)
		if ((tg_keys[i].section & with) && !(tg_keys[i].section & but) &&
		    !(tg_keys[i].not_built && !tg_keys[i].off_value))
			print_key(&tg_keys[i]);
	printf("\n");
}

int tg_cmd_keys(int argc, char **argv)
{
	int rc = tg_cli_no_options(argc, argv, usage);
	if (rc >= 0)
		return rc;
	print_section("[engine]", TG_KEY_ENGINE, TG_KEY_LISTENER | TG_KEY_CONN);
	print_section("[port outside]", TG_KEY_PORT, 0);
	print_section("[listener web]", TG_KEY_LISTENER | TG_KEY_CONN, 0);
	print_section("[pool web]", TG_KEY_POOL, TG_KEY_LISTENER | TG_KEY_CONN);
	print_section("[fleet]", TG_KEY_FLEET, 0);
	print_section("[load]", TG_KEY_LOAD, 0);
	return tg_cli_printed("keys");
}
