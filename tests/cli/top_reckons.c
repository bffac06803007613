/* SPDX-License-Identifier: MIT */
/* What brood top reckons: rates by difference, bars, sparklines, and which columns fit. */
#include "cli/top.h"

#include "base/auto.h"
#include "check.h"

static struct rates rates;

static json_t *slot(int number, int pid, int requests)
{
	if (pid == 0)
		return json_pack("{s:i, s:n}", "slot", number, "worker");
	return json_pack("{s:i, s:{s:i, s:i}}", "slot", number, "worker", "pid", pid, "requests", requests);
}

/* Takes both. */
static void look(uint64_t at_ms, json_t *a, json_t *b)
{
	json_t *status = json_pack("{s:[o, o]}", "slots", a, b);

	check(status != NULL);
	rates_take(&rates, status, at_ms);
	json_decref(status);
}

static void rates_are_differences(void)
{
	look(1000, slot(0, 10, 500), slot(1, 11, 100));
	check(rates.per_s < 0 && rates.slots[0].per_s < 0 && rates.n_history == 0);
	look(3000, slot(0, 10, 700), slot(1, 11, 100));
	check(rates.per_s == 100 && rates.slots[0].per_s == 100 && rates.slots[1].per_s == 0);
	look(4000, slot(0, 12, 30), slot(1, 0, 0));	/* one is new, the other has died */
	check(rates.per_s == 30 && rates.slots[0].per_s == 30 && rates.slots[1].per_s == 0);
	look(5000, slot(0, 12, 10), slot(1, 13, 5));	/* never negative */
	check(rates.per_s == 5 && rates.slots[0].per_s == 0);
	look(5000, slot(0, 12, 20), slot(1, 13, 5));	/* no time has passed */
	check(rates.per_s == 0);
	look(6000, slot(-1, 14, 9000), slot(TOP_SLOTS_MOST, 15, 9000));	/* nonsense */
	check(rates.per_s == 0 && rates.n_history == 5 && rates.history[0] == 100);
	for (int i = 1; i <= TOP_HISTORY_MOST + 5; i++)
		look(6000 + (uint64_t)i * 1000, slot(0, 16, i * i), slot(1, 17, 0));
	check_equal(rates.n_history, TOP_HISTORY_MOST);
	check(rates.history[TOP_HISTORY_MOST - 1] == 2 * (TOP_HISTORY_MOST + 5) - 1);
}

static void bars_have_their_length(void)
{
	static const struct { double value, most; size_t width; const char *text; } rows[] = {
		{ 0, 10, 4, "    " }, { 10, 10, 4, "####" }, { 5, 10, 4, "##  " }, { 0.01, 10, 4, "#   " },
		{ 20, 10, 4, "####" }, { -1, 10, 4, "    " }, { 0, 0, 4, "    " }, { 1, 0, 2, "  " }, { 5, 10, 0, "" },
	};
	char bar[TOP_BAR_MOST + 1];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		chart_bar(rows[i].value, rows[i].most, rows[i].width, bar);
		check_text(bar, rows[i].text);
	}
	chart_bar(1, 1, 4711, bar);
	check_equal(strlen(bar), TOP_BAR_MOST);
}

static void sparklines_end_with_the_newest(void)
{
	static const double values[] = { 80, 0, 10, 20, 40, 0.1 };
	static double many[TOP_HISTORY_MOST];
	char spark[TOP_SPARK_BYTES];

	chart_spark(values, ARRAY_LEN(values), 8, false, spark);
	check_text(spark, "  # .:=.");
	chart_spark(values, ARRAY_LEN(values), 3, false, spark);	/* of what is shown */
	check_text(spark, "=#.");
	chart_spark(values, 4, 4, true, spark);
	check_text(spark, "\u2588 \u2581\u2582");
	chart_spark(values, 0, 3, true, spark);
	check_text(spark, "   ");
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = 1;
	chart_spark(many, ARRAY_LEN(many), 4711, true, spark);
	check_equal(strlen(spark), TOP_SPARK_BYTES - 1);
}

static size_t width_of(const struct layout *layout)
{
	size_t sum = layout->bar > 0 ? 2 * (layout->bar + 1) : 0;

	for (size_t i = 0; i < N_COLUMNS; i++)
		if (layout->shown[i])
			sum += (size_t)column_widths[i] + (i > 0);
	return sum;
}

static void columns_fit(void)
{
	struct layout layout;

	for (size_t width = 35; width < 400; width++) {
		chart_fit(width, &layout);
		check(width_of(&layout) <= width);
		check(layout.shown[COLUMN_SLOT] && layout.shown[COLUMN_CONNECTIONS] && layout.shown[COLUMN_REQUESTS]);
	}
	chart_fit(80, &layout);
	check(layout.shown[COLUMN_LAG] && layout.shown[COLUMN_GENERATION] && layout.bar == 9);
	chart_fit(40, &layout);
	check(!layout.shown[COLUMN_LAG] && layout.shown[COLUMN_STATE] && layout.shown[COLUMN_PID] && layout.bar == 0);
	chart_fit(0, &layout);
}

int main(void)
{
	rates_are_differences();
	bars_have_their_length();
	sparklines_end_with_the_newest();
	columns_fit();
	return 0;
}
