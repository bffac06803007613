/* SPDX-License-Identifier: MIT */
/*
 * top_screen - the terminal, as ncurses knows it: a header, a line for each slot, the last answer, the keys
 *
 * What does not fit is cut, in either direction. Nothing needs a colour. Texts of the pool are escaped like those
 * of a log: it may be another's.
 */
#include "cli/top.h"

#include "base/text.h"
#include "cli/cli.h"

#include <langinfo.h>
#include <locale.h>
#include <ncursesw/curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#define HEAD_ROWS (4 + n_uses)
#define FOOT_ROWS 2
#define LINE_BYTES 1024
#define SILENT_MS 2000
#define ESCAPE_MS 100	/* between the bytes of an arrow key, over ssh */

static SCREEN *screen;
static bool utf8;
static int n_uses;		/* lines of what is used beside requests */

/* ---- the terminal ---- */

/* Of these the usual fonts lack the levels of a sparkline. */
static bool has_levels(const char *terminal)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && strcmp(terminal, "linux") != 0 &&
	       strncmp(terminal, "vt", 2) != 0;
}

static bool can_be_drawn_on(const char *terminal)
{
	int error;
	bool can = setupterm(terminal, STDOUT_FILENO, &error) == OK && cursor_address;

	if (cur_term)
		del_curterm(cur_term);
	return can;
}

static int refuse_terminal(const char *terminal)
{
	complain("TERM=%s: that terminal cannot be drawn on, or is not known here; brood ctl status needs none",
		 terminal);
	return 1;
}

int screen_begin(void)
{
	const char *terminal = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		complain("top needs a terminal to draw on; brood ctl status needs none");
		return 1;
	}
	setlocale(LC_CTYPE, "");
	if (!terminal || !can_be_drawn_on(terminal) || !(screen = newterm(NULL, stdout, stdin)))
		return refuse_terminal(terminal ? terminal : "");
	utf8 = has_levels(terminal);
	cbreak();
	noecho();
	set_escdelay(ESCAPE_MS);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	(void)curs_set(0);
	return 0;
}

void screen_end(void)
{
	/* Where there is no second screen to leave, the shell goes on in this line. */
	(void)move(LINES - 1, 0);
	(void)clrtoeol();
	(void)refresh();
	endwin();
	delscreen(screen);
	screen = NULL;
}

int screen_key(void)
{
	int key = getch();

	switch (key) {
	case ERR:	return KEY_IS_NONE;
	case KEY_UP:	return KEY_IS_UP;
	case KEY_DOWN:	return KEY_IS_DOWN;
	case KEY_PPAGE:	return KEY_IS_PAGE_UP;
	case KEY_NPAGE:	return KEY_IS_PAGE_DOWN;
	case KEY_BACKSPACE: case 127: case '\b': return KEY_IS_BACK;
	case KEY_ENTER:	return '\n';
	default:	return key < 256 ? key : KEY_IS_OTHER;
	}
}

size_t screen_rows(void)
{
	return LINES > HEAD_ROWS + FOOT_ROWS ? (size_t)(LINES - HEAD_ROWS - FOOT_ROWS) : 0;
}

/* A character has at least as many bytes as columns, so what is cut by bytes wraps nowhere. */
__attribute__((format(printf, 2, 3)))
static void put(int y, const char *format, ...)
{
	char line[LINE_BYTES], clean[LINE_BYTES];
	va_list arguments;
	size_t len;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	len = text_escape(line, TEXT_PLAIN, clean, sizeof(clean));
	if (y >= 0 && y < LINES)
		(void)mvaddnstr(y, 0, clean, (int)len < COLS ? (int)len : COLS);
}

/* ---- the head ---- */

static void tell_phase(const struct top_view *view, char out[64])
{
	const json_t *status = view->pool->status, *reload = json_object_get(status, "reload");

	if (view->pool->is_gone)
		snprintf(out, 64, "GONE");
	else if (view->silent_ms >= SILENT_MS)
		snprintf(out, 64, "NO ANSWER for %ds", (int)(view->silent_ms / 1000));
	else if (!status)
		snprintf(out, 64, "asking");
	else if (report_is_true(status, "stopping"))
		snprintf(out, 64, "STOPPING");
	else if (report_is_true(status, "pre_draining"))
		snprintf(out, 64, "STOPPING SOON");
	else if (report_is_true(json_object_get(status, "upgrade"), "running"))
		snprintf(out, 64, "UPGRADING");
	else if (report_is_true(reload, "running"))
		snprintf(out, 64, "RELOADING, %d left", (int)report_number(reload, "left"));
	else if (report_is_true(status, "scaling"))
		snprintf(out, 64, "SCALING to %d", (int)report_number(status, "wanted"));
	else
		snprintf(out, 64, report_is_true(status, "ready") ? "ready" : "NOT READY");
}

static void draw_pool(const struct top_view *view)
{
	const json_t *status = view->pool->status, *listen = json_object_get(status, "listen");
	const char *first = json_string_value(json_array_get(listen, 0));
	const char *balance = report_text(status, "balance");
	char phase[64], uptime[CELL_BYTES];

	tell_phase(view, phase);
	report_time(report_number(status, "uptime_ms"), uptime);
	put(0, "%.60s%s %s: %s, %s%s%s, pid %d, up %s, brood %s", first ? first : "pool",
	    json_array_size(listen) > 1 ? ",.." : "", phase, report_text(status, "model"),
	    report_text(status, "engine")[0] ? report_text(status, "engine") : "no engine yet",
	    balance[0] ? ", " : "", balance, (int)report_number(status, "pid"), uptime,
	    report_text(status, "brood"));
}

static json_int_t sum_of(const json_t *slots, const char *key, double *ret_most)
{
	json_int_t sum = 0;

	*ret_most = 0;
	for (size_t i = 0; i < json_array_size(slots); i++) {
		json_int_t n = report_number(json_object_get(json_array_get(slots, i), "worker"), key);

		sum += n > 0 && n < INT32_MAX ? n : 0;
		if ((double)n > *ret_most)
			*ret_most = (double)n;
	}
	return sum;
}

static void tell_rate(double per_s, char out[CELL_BYTES])
{
	if (per_s < 0)
		snprintf(out, CELL_BYTES, "-");
	else
		report_count(per_s < 1e15 ? (json_int_t)(per_s + 0.5) : (json_int_t)1e15, out);
}

static void draw_totals(const struct top_view *view, json_int_t n_connections)
{
	const json_t *status = view->pool->status, *imbalance = json_object_get(status, "imbalance");
	char connections[CELL_BYTES], rate[CELL_BYTES], share[32] = "-";

	report_count(n_connections, connections);
	tell_rate(view->rates->per_s, rate);
	if (json_is_number(imbalance))
		snprintf(share, sizeof(share), "%.2f", json_number_value(imbalance));
	put(1, "%s connections, %s requests/s, imbalance %s, restarts %d, giveups %d", connections, rate, share,
	    (int)report_number(status, "restarts"), (int)report_number(status, "giveups"));
}

static void draw_uses(const struct top_view *view)
{
	char uses[REPORT_USES][REPORT_USE_BYTES];

	n_uses = (int)report_uses(view->pool->status, uses);
	for (int i = 0; i < n_uses; i++)
		put(3 + i, "%s", uses[i]);
}

static void draw_spark(const struct top_view *view)
{
	static const char title[] = "REQ/S ";
	char spark[TOP_SPARK_BYTES];
	size_t width = (size_t)COLS > sizeof(title) ? (size_t)COLS - sizeof(title) : 0;

	chart_spark(view->rates->history, view->rates->n_history, width, utf8, spark);
	put(2, "%s", title);
	if (LINES > 2 && width > 0)
		(void)mvaddstr(2, (int)sizeof(title) - 1, spark);
}

/* ---- the slots ---- */

static void tell_cell(const json_t *object, const char *key, void (*format)(json_int_t n, char out[CELL_BYTES]),
		      char out[CELL_BYTES])
{
	snprintf(out, CELL_BYTES, "-");
	if (json_is_integer(json_object_get(object, key)))
		format(report_number(object, key), out);
}

static double rate_of(const struct rates *rates, const json_t *slot)
{
	json_int_t at = report_number(slot, "slot");

	return at >= 0 && at < TOP_SLOTS_MOST ? rates->slots[at].per_s : -1;
}

static void tell_state(const json_t *slot, char out[CELL_BYTES])
{
	int n_leaving = (int)report_number(slot, "leaving");

	if (n_leaving > 0)
		snprintf(out, CELL_BYTES, "%.5s+%d", report_text(slot, "state"), n_leaving);
	else
		snprintf(out, CELL_BYTES, "%.8s", report_text(slot, "state"));
}

static void tell_slot(const struct rates *rates, const json_t *slot, char out[N_COLUMNS][CELL_BYTES])
{
	const json_t *worker = json_object_get(slot, "worker");

	snprintf(out[COLUMN_SLOT], CELL_BYTES, "%d", (int)report_number(slot, "slot"));
	tell_state(slot, out[COLUMN_STATE]);
	snprintf(out[COLUMN_PID], CELL_BYTES, "-");
	if (report_number(worker, "pid"))
		snprintf(out[COLUMN_PID], CELL_BYTES, "%d", (int)report_number(worker, "pid"));
	tell_cell(worker, "generation", report_count, out[COLUMN_GENERATION]);
	tell_cell(worker, "uptime_ms", report_time, out[COLUMN_UPTIME]);
	tell_cell(slot, "restarts", report_count, out[COLUMN_DIED]);
	tell_cell(report_is_true(worker, "silent") ? worker : NULL, "lag_ms", report_time, out[COLUMN_LAG]);
	tell_cell(worker, "connections", report_count, out[COLUMN_CONNECTIONS]);
	tell_rate(rate_of(rates, slot), out[COLUMN_REQUESTS]);
}

static void add_bar(char *line, double value, double most, size_t width)
{
	char bar[TOP_BAR_MOST + 1];
	size_t len = strlen(line);

	chart_bar(value, most, width, bar);
	snprintf(line + len, LINE_BYTES - len, " %s", bar);
}

static void draw_slot(int y, const struct top_view *view, const json_t *slot, const struct layout *layout,
		      const double most[2])
{
	char cells[N_COLUMNS][CELL_BYTES], line[LINE_BYTES] = "";
	const json_t *worker = json_object_get(slot, "worker");
	bool is_well = strcmp(report_text(slot, "state"), "READY") == 0 && !report_is_true(worker, "silent");

	tell_slot(view->rates, slot, cells);
	for (int i = 0; i < N_COLUMNS; i++) {
		size_t len = strlen(line);

		if (!layout->shown[i])
			continue;
		snprintf(line + len, sizeof(line) - len, "%s%*.*s", i > 0 ? " " : "",
			 i == COLUMN_STATE ? -column_widths[i] : column_widths[i], column_widths[i], cells[i]);
		if (i == COLUMN_CONNECTIONS && layout->bar > 0)
			add_bar(line, (double)report_number(worker, "connections"), most[0], layout->bar);
		if (i == COLUMN_REQUESTS && layout->bar > 0)
			add_bar(line, rate_of(view->rates, slot), most[1], layout->bar);
	}
	if (!is_well)
		attron(A_BOLD);
	put(y, "%s", line);
	attroff(A_BOLD);
}

static void draw_titles(const struct layout *layout)
{
	char line[LINE_BYTES] = "";

	for (int i = 0; i < N_COLUMNS; i++) {
		size_t len = strlen(line);

		if (!layout->shown[i])
			continue;
		snprintf(line + len, sizeof(line) - len, "%s%*s", i > 0 ? " " : "",
			 i == COLUMN_STATE ? -column_widths[i] : column_widths[i], column_titles[i]);
		if (i >= COLUMN_CONNECTIONS && layout->bar > 0)
			add_bar(line, 0, 0, layout->bar);
	}
	attron(A_REVERSE);
	put(HEAD_ROWS - 1, "%-*s", COLS < LINE_BYTES ? COLS : LINE_BYTES - 1, line);
	attroff(A_REVERSE);
}

static void draw_slots(struct top_view *view, const json_t *slots, double most_connections)
{
	size_t n = json_array_size(slots), rows = screen_rows();
	double most[2] = { most_connections, 0 };
	struct layout layout;

	for (size_t i = 0; i < n; i++)
		if (rate_of(view->rates, json_array_get(slots, i)) > most[1])
			most[1] = rate_of(view->rates, json_array_get(slots, i));
	if (view->first + rows > n)
		view->first = n > rows ? n - rows : 0;
	chart_fit((size_t)COLS, &layout);
	draw_titles(&layout);
	for (size_t i = 0; i < rows && view->first + i < n; i++)
		draw_slot(HEAD_ROWS + (int)i, view, json_array_get(slots, view->first + i), &layout, most);
}

/* ---- all of it ---- */

static void draw_help(void)
{
	static const char *const texts[] = {
		"+  -          one worker more, one less", "r             reload: replace every worker",
		"d SLOT Enter  drain: replace one worker", "arrows PgUp PgDn  other slots",
		"q             quit; the pool goes on", "?             back",
		"", "A bar is as long as the value is of the", "largest in its column. LAG: a worker's",
		"loop stands still, for so long.",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && i < screen_rows() + 1; i++)
		put(HEAD_ROWS - 1 + (int)i, "%s", texts[i]);
}

static void draw_foot(const struct top_view *view)
{
	if (LINES > HEAD_ROWS)
		put(LINES - 2, "%s", view->pool->said);
	if (view->asks_slot)
		put(LINES - 1, "drain which slot? %s_   (Enter, or Esc)", view->slot);
	else
		put(LINES - 1, "q quit  +- scale  r reload  d drain  ? help");
}

void screen_draw(struct top_view *view)
{
	const json_t *slots = json_object_get(view->pool->status, "slots");
	double most;
	json_int_t n_connections = sum_of(slots, "connections", &most);

	erase();
	draw_pool(view);
	draw_totals(view, n_connections);
	draw_spark(view);
	draw_uses(view);
	if (view->help)
		draw_help();
	else
		draw_slots(view, slots, most);
	draw_foot(view);
	refresh();
}
