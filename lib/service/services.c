/* SPDX-License-Identifier: BSD-3-Clause */
#include "tg_services.h"

const struct tg_service *const tg_services[] = {
    &tg_service_echo,
    &tg_service_discard,
    &tg_service_chargen,
    &tg_service_http,
};

const uint32_t tg_service_n = sizeof(tg_services) / sizeof(tg_services[0]);

const struct tg_service *tg_service_find(const char *name)
{
	for (uint32_t i = 0; i < tg_service_n; i++)
		if (strcmp(tg_services[i]->name, name) == 0)
			return tg_services[i];
	return NULL;
}
