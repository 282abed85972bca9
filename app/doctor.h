/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor.h: what the parts of `tidegate doctor` share: how a finding is told. */
#ifndef TG_APP_DOCTOR_H
#define TG_APP_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tg_verdict { GOOD, LIMIT, FAULT };

struct tg_doctor {
	uint32_t limits, faults;
};

/* One line; with fix (NULL: none), when the verdict is not good, a second one with the command. */
void tg_doctor_say(struct tg_doctor *d, enum tg_verdict verdict, const char *what, const char *text,
		   const char *fix);
/* The first line of the file at path; false: there is none. */
bool tg_doctor_read_line(const char *path, char *line, size_t size);
/* CPUs that this process may use. */
uint32_t tg_doctor_cpus(void);
/* doctor_conf.c: what the configuration in file needs of this machine. */
void tg_doctor_conf(struct tg_doctor *d, const char *file);

#endif
