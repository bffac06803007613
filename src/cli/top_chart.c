/* SPDX-License-Identifier: MIT */
/* top_chart - numbers as characters: bars, sparklines, and the columns that fit a width */
#include "cli/top.h"

#include "base/auto.h"

#include <string.h>

#define LEVELS 8
#define BAR_LEAST 3	/* narrower it tells nothing */

/* The least of steps that @value of @most is, 0 for 0 alone. */
static size_t share_of(double value, double most, size_t steps)
{
	size_t n;

	if (!(value > 0) || !(most > 0))
		return 0;
	n = value >= most ? steps : (size_t)(value / most * (double)steps + 0.5);
	return n > 0 ? n : 1;
}

void chart_bar(double value, double most, size_t width, char out[TOP_BAR_MOST + 1])
{
	size_t n;

	if (width > TOP_BAR_MOST)
		width = TOP_BAR_MOST;
	n = width > 0 ? share_of(value, most, width) : 0;
	memset(out, '#', n);
	memset(out + n, ' ', width - n);
	out[width] = '\0';
}

/* U+2581 to U+2588, or what is darker and darker everywhere. */
static size_t write_level(size_t level, bool utf8, char *out)
{
	static const char darker[LEVELS + 1] = { ' ', '.', ':', '-', '=', '+', '*', '%', '#' };

	if (!utf8 || level == 0) {
		out[0] = darker[level];
		return 1;
	}
	out[0] = (char)0xe2;
	out[1] = (char)0x96;
	out[2] = (char)(0x80 + level);
	return 3;
}

void chart_spark(const double *values, size_t n, size_t width, bool utf8, char out[TOP_SPARK_BYTES])
{
	size_t n_shown, len;
	double most = 0;

	if (width > TOP_HISTORY_MOST)
		width = TOP_HISTORY_MOST;
	n_shown = n < width ? n : width;
	values += n - n_shown;
	for (size_t i = 0; i < n_shown; i++)
		if (values[i] > most)
			most = values[i];
	len = width - n_shown;
	memset(out, ' ', len);
	for (size_t i = 0; i < n_shown; i++)
		len += write_level(share_of(values[i], most, LEVELS), utf8, out + len);
	out[len] = '\0';
}

const char *const column_titles[N_COLUMNS] = {
	"SLOT", "STATE", "PID", "GEN", "UPTIME", "DIED", "LAG", "CONNS", "REQ/S",
};
const int column_widths[N_COLUMNS] = { 4, 8, 7, 4, 6, 4, 6, 6, 6 };

static size_t width_of(const struct layout *layout)
{
	size_t sum = 0;

	for (size_t i = 0; i < N_COLUMNS; i++)
		if (layout->shown[i])
			sum += (size_t)column_widths[i] + (i > 0);
	return sum;
}

void chart_fit(size_t width, struct layout *ret_layout)
{
	static const enum column dispensable[] = { COLUMN_LAG, COLUMN_GENERATION, COLUMN_DIED, COLUMN_UPTIME };
	size_t left;

	ret_layout->bar = 0;
	for (size_t i = 0; i < N_COLUMNS; i++)
		ret_layout->shown[i] = true;
	for (size_t i = 0; i < ARRAY_LEN(dispensable) && width_of(ret_layout) > width; i++)
		ret_layout->shown[dispensable[i]] = false;
	left = width > width_of(ret_layout) ? width - width_of(ret_layout) : 0;
	if (left / 2 > BAR_LEAST)
		ret_layout->bar = left / 2 - 1 < TOP_BAR_MOST ? left / 2 - 1 : TOP_BAR_MOST;
}
