/* SPDX-License-Identifier: MIT */
/*
 * report - the findings as text, a line each and the remedies below it, or as JSON
 *
 *	{"version": 1, "bad": 0, "warn": 1, "checks": [{"name": NAME, "verdict": "ok" | "warn" | "bad", "what": TEXT,
 *	"means": TEXT | null, "remedies": [{"where": TEXT, "how": TEXT}]}]}
 */
#include "base/text.h"
#include "doctor/doctor.h"

#include <jansson.h>
#include <string.h>

static const char *const verdicts[] = { "ok", "warn", "bad" };

/* A name of a process, of a user or of a file may be in it. */
static void print_safely(const char *text, FILE *out)
{
	char safe[1024];
	size_t len = text_escape(text, TEXT_PLAIN, safe, sizeof(safe));

	fprintf(out, "%.*s\n", (int)len, safe);
}

static void print_finding(const struct finding *f, FILE *out)
{
	fprintf(out, "%-5s %-18s ", verdicts[f->verdict], f->name);
	print_safely(f->what, out);
	if (f->verdict == VERDICT_OK)
		return;
	fprintf(out, "%25s", "");
	print_safely(f->means, out);
	for (unsigned i = 0; i < f->n_remedies; i++) {
		fprintf(out, "%25s%-11s ", "", f->remedies[i].where);
		print_safely(f->remedies[i].how, out);
	}
}

static json_t *tell_text(const char *text)
{
	char safe[1024];

	return json_stringn(safe, text_escape(text, TEXT_PLAIN, safe, sizeof(safe)));
}

static json_t *tell_finding(const struct finding *f)
{
	json_t *remedies = json_array();

	for (unsigned i = 0; f->verdict != VERDICT_OK && i < f->n_remedies; i++)
		json_array_append_new(remedies, json_pack("{s:s, s:o}", "where", f->remedies[i].where,
							  "how", tell_text(f->remedies[i].how)));
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", f->name, "verdict", verdicts[f->verdict],
			 "what", tell_text(f->what),
			 "means", f->verdict == VERDICT_OK ? json_null() : tell_text(f->means),
			 "remedies", remedies);
}

static void print_end(const unsigned n[], FILE *out)
{
	if (n[VERDICT_BAD] + n[VERDICT_WARN] == 0)
		fprintf(out, "all %u are ok\n", n[VERDICT_OK]);
	else
		fprintf(out, "%u ok, %u to look at, %u bad\n", n[VERDICT_OK], n[VERDICT_WARN], n[VERDICT_BAD]);
}

static void print_json(const unsigned n[], json_t *checks, FILE *out)
{
	json_t *all = json_pack("{s:i, s:i, s:i, s:o}", "version", 1, "bad", (int)n[VERDICT_BAD],
				"warn", (int)n[VERDICT_WARN], "checks", checks);

	json_dumpf(all, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(all);
}

bool doctor_report(const struct patient *patient, bool json, FILE *out)
{
	json_t *checks = json_array();
	unsigned n[3] = { 0 };

	for (size_t i = 0; i < check_table_len; i++) {
		struct finding f = { .name = check_table[i].name };

		check_table[i].look(patient, &f);
		n[f.verdict]++;
		if (json)
			json_array_append_new(checks, tell_finding(&f));
		else
			print_finding(&f, out);
	}
	if (json)
		print_json(n, checks, out);
	else
		print_end(n, out);
	if (!json)
		json_decref(checks);
	return n[VERDICT_BAD] > 0;
}
