/* SPDX-License-Identifier: MIT */
/*
 * mime - the type of a file, by its extension
 *
 * The system's table, shared by all programs, is read once and boiled down to the types that have
 * extensions: some 50 KB. What it lacks, all of it where there is no such table, comes from a dozen
 * lines of our own in the same form. The first line that names an extension wins.
 */
#include "service/service.h"

#include "base/auto.h"
#include "http/http.h"
#include "service/files.h"

#include <errno.h>
#include <fcntl.h>

#define TABLE_BYTES_MOST (1024 * 1024)
#define EXTENSION_BYTES 16	/* longer ones are not looked up */
#define TYPE_BYTES 128

struct extension {
	uint32_t	order;
	uint32_t	type;		/* both in text, terminated */
	uint32_t	name;
};

struct mime {
	struct extension *extensions;	/* sorted by name */
	char		*text;
	size_t		 n_extensions;
	size_t		 n_text_bytes;
};

static const char ours[] =
	"text/html html htm\n"
	"text/css css\n"
	"text/javascript js mjs\n"
	"application/json json map\n"
	"image/svg+xml svg\n"
	"image/png png\n"
	"image/jpeg jpg jpeg\n"
	"image/gif gif\n"
	"image/webp webp\n"
	"image/avif avif\n"
	"image/x-icon ico\n"
	"text/plain txt\n"
	"text/markdown md\n"
	"application/wasm wasm\n"
	"font/woff woff\n"
	"font/woff2 woff2\n"
	"application/pdf pdf\n"
	"video/mp4 mp4\n"
	"application/gzip gz\n";

/* Takes a line off the front, without its comment. */
static struct span take_line(struct span *in)
{
	const char *end = memchr(in->at, '\n', in->len);
	struct span line = { in->at, end ? (size_t)(end - in->at) : in->len };
	const char *comment;

	*in = span_skip(*in, line.len + (end != NULL));
	comment = memchr(line.at, '#', line.len);
	if (comment)
		line.len = (size_t)(comment - line.at);
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Takes a word off the front; empty = none left. */
static struct span take_word(struct span *in)
{
	struct span word;

	while (in->len > 0 && is_blank(in->at[0]))
		*in = span_skip(*in, 1);
	word = (struct span){ in->at, 0 };
	while (in->len > 0 && !is_blank(in->at[0])) {
		*in = span_skip(*in, 1);
		word.len++;
	}
	return word;
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* There is room: the text came from a table at least as large. */
static uint32_t add_text(struct mime *mime, struct span word)
{
	size_t at = mime->n_text_bytes;

	for (size_t i = 0; i < word.len; i++)
		mime->text[at + i] = to_lower(word.at[i]);
	mime->text[at + word.len] = '\0';
	mime->n_text_bytes += word.len + 1;
	return (uint32_t)at;
}

static void add_line(struct mime *mime, struct span line)
{
	struct span type = take_word(&line);
	struct span name = take_word(&line);
	uint32_t at;

	if (name.len == 0 || type.len >= TYPE_BYTES || !memchr(type.at, '/', type.len))
		return;
	if (!http_field_valid(SPAN("Content-Type"), type))
		return;
	at = add_text(mime, type);
	for (; name.len > 0; name = take_word(&line)) {
		if (name.len >= EXTENSION_BYTES)
			continue;
		mime->extensions[mime->n_extensions] = (struct extension){
			.order = (uint32_t)mime->n_extensions, .type = at, .name = add_text(mime, name) };
		mime->n_extensions++;
	}
}

static size_t count_words(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += is_blank(text.at[i]) || text.at[i] == '\n';
	return n + 1;
}

static void add_table(struct mime *mime, struct span table)
{
	while (table.len > 0)
		add_line(mime, take_line(&table));
}

static int compare_extensions(const void *a, const void *b, void *text)
{
	const struct extension *x = a, *y = b;
	int order = strcmp((char *)text + x->name, (char *)text + y->name);

	return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/* Gives back what was reserved and not used. Shrinking cannot hurt when it fails. */
static void trim_memory(struct mime *mime)
{
	void *smaller = realloc(mime->extensions, mime->n_extensions * sizeof(mime->extensions[0]));

	if (smaller)
		mime->extensions = smaller;
	smaller = realloc(mime->text, mime->n_text_bytes);
	if (smaller)
		mime->text = smaller;
}

/* The whole file, or what TABLE_BYTES_MOST holds of it; nothing when there is none. */
static struct span read_table(const char *path, char *into)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct span table = { into, 0 };
	ssize_t n;

	while (fd >= 0 && table.len < TABLE_BYTES_MOST) {
		n = read(fd, into + table.len, TABLE_BYTES_MOST - table.len);
		if (n <= 0)
			break;
		table.len += (size_t)n;
	}
	return table;
}

static int fill(struct mime *mime, struct span table)
{
	size_t n_words = count_words(table) + count_words(SPAN(ours));

	mime->extensions = calloc(n_words, sizeof(mime->extensions[0]));
	mime->text = malloc(table.len + sizeof(ours) + n_words + 2);
	if (!mime->extensions || !mime->text)
		return -ENOMEM;
	add_table(mime, table);
	add_table(mime, SPAN(ours));
	qsort_r(mime->extensions, mime->n_extensions, sizeof(mime->extensions[0]), compare_extensions,
		mime->text);
	trim_memory(mime);
	return 0;
}

int mime_create(const char *table_path, struct mime **ret_mime)
{
	autofree char *table = malloc(TABLE_BYTES_MOST);
	struct mime *mime = calloc(1, sizeof(*mime));
	int error = table && mime ? fill(mime, read_table(table_path, table)) : -ENOMEM;

	if (error < 0)
		mime_destroy(mime);
	else
		*ret_mime = mime;
	return error;
}

void mime_destroy(struct mime *mime)
{
	if (!mime)
		return;
	free(mime->extensions);
	free(mime->text);
	free(mime);
}

/* The first of those called @name, or NULL. */
static const struct extension *find_extension(const struct mime *mime, const char *name)
{
	size_t low = 0, high = mime->n_extensions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(mime->text + mime->extensions[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == mime->n_extensions || strcmp(mime->text + mime->extensions[low].name, name) != 0)
		return NULL;
	return &mime->extensions[low];
}

struct span mime_type(const struct mime *mime, struct span name)
{
	const char *dot = memrchr(name.at, '.', name.len);
	const struct extension *found;
	char text[EXTENSION_BYTES];
	size_t len;

	if (!dot)
		return SPAN("application/octet-stream");
	len = (size_t)(name.at + name.len - dot) - 1;
	if (len == 0 || len >= sizeof(text) || memchr(dot, '/', len))
		return SPAN("application/octet-stream");
	for (size_t i = 0; i < len; i++)
		text[i] = to_lower(dot[1 + i]);
	text[len] = '\0';
	found = find_extension(mime, text);
	return found ? span_of(mime->text + found->type) : SPAN("application/octet-stream");
}
