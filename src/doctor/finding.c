/* SPDX-License-Identifier: MIT */
/* finding - what one check has found, in words; what does not fit is cut */
#include "base/must.h"
#include "doctor/doctor.h"

#include <stdarg.h>

void found(struct finding *f, enum verdict verdict, const char *format, ...)
{
	va_list args;

	f->verdict = verdict;
	va_start(args, format);
	vsnprintf(f->what, sizeof(f->what), format, args);
	va_end(args);
}

void means(struct finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->means, sizeof(f->means), format, args);
	va_end(args);
}

void remedy(struct finding *f, const char *where, const char *format, ...)
{
	va_list args;

	must(f->n_remedies < REMEDIES_MOST);
	f->remedies[f->n_remedies].where = where;
	va_start(args, format);
	vsnprintf(f->remedies[f->n_remedies++].how, REMEDY_BYTES, format, args);
	va_end(args);
}

void remedy_sysctl(struct finding *f, const char *name, const char *value)
{
	remedy(f, "sysctl", "sysctl -w %s=%s", name, value);
	remedy(f, "docker run", "--sysctl %s=%s", name, value);
	remedy(f, "compose", "sysctls: { %s: \"%s\" }", name, value);
	remedy(f, "kubernetes", "securityContext: { sysctls: [{ name: %s, value: \"%s\" }] }", name, value);
}
