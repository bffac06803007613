/* SPDX-License-Identifier: MIT */
/*
 * listing - a directory as a page
 *
 * Directories first, each part sorted by bytes; dotfiles are left out, since they are not served either.
 * A name may be anything: it is percent-encoded where it is a link and escaped where it is text.
 */
#include "service/service.h"

#include "base/auto.h"
#include "service/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define ENTRIES_MOST 4096

struct entry {
	bool	directory;
	char	*name;
};

struct entries {
	size_t	n;
	bool	more;		/* than ENTRIES_MOST */
	struct entry entry[ENTRIES_MOST];
};

/* What a link leads to decides, as it does when it is asked for. */
static bool is_directory(int dir_fd, const struct dirent *found)
{
	struct stat st;

	if (found->d_type != DT_LNK && found->d_type != DT_UNKNOWN)
		return found->d_type == DT_DIR;
	return fstatat(dir_fd, found->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static int read_entries(DIR *dir, struct entries *entries)
{
	struct dirent *found;

	for (;;) {
		errno = 0;
		found = readdir(dir);
		if (!found)
			return -errno;
		if (found->d_name[0] == '.')
			continue;
		entries->more = entries->n == ENTRIES_MOST;
		if (entries->more)
			return 0;
		entries->entry[entries->n] = (struct entry){
			is_directory(dirfd(dir), found), strdup(found->d_name) };
		if (!entries->entry[entries->n].name)
			return -ENOMEM;
		entries->n++;
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->directory != y->directory)
		return x->directory ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void print_escaped(FILE *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.at[i]) {
		case '&':	fputs("&amp;", out);	break;
		case '<':	fputs("&lt;", out);	break;
		case '>':	fputs("&gt;", out);	break;
		case '"':	fputs("&quot;", out);	break;
		case '\'':	fputs("&#39;", out);	break;
		default:	putc(text.at[i], out);
		}
	}
}

static void print_entry(FILE *out, const struct entry *entry)
{
	char link[NAME_MAX * 3 + 1];
	struct span name = span_of(entry->name);
	int n = path_encode(name, false, link, sizeof(link));
	const char *slash = entry->directory ? "/" : "";

	if (n < 0)
		return;		/* longer than a name can be */
	fprintf(out, "<li><a href=\"%.*s%s\">", n, link, slash);
	print_escaped(out, name);
	fprintf(out, "%s</a>\n", slash);
}

static void print_page(FILE *out, struct span title, const struct entries *entries)
{
	fputs("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>Index of ", out);
	print_escaped(out, title);
	fputs("</title>\n<h1>Index of ", out);
	print_escaped(out, title);
	fputs("</h1>\n<ul>\n", out);
	if (title.len > 1)
		fputs("<li><a href=\"../\">../</a>\n", out);
	for (size_t i = 0; i < entries->n; i++)
		print_entry(out, &entries->entry[i]);
	fputs("</ul>\n", out);
	if (entries->more)
		fprintf(out, "<p>And more than these %d.\n", ENTRIES_MOST);
}

static int print_to_memory(struct span title, const struct entries *entries, char **ret_page, size_t *ret_len)
{
	char *page = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&page, &len);
	bool failed;

	if (!out)
		return -ENOMEM;
	print_page(out, title, entries);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(page);
		return -ENOMEM;
	}
	*ret_page = page;
	*ret_len = len;
	return 0;
}

static void destroy_entries(struct entries *entries)
{
	for (size_t i = 0; entries && i < entries->n; i++)
		free(entries->entry[i].name);
	free(entries);
}

int listing_render(int dir_fd, struct span title, char **ret_page, size_t *ret_len)
{
	struct entries *entries = calloc(1, sizeof(*entries));
	DIR *dir = fdopendir(dir_fd);
	int error = -errno;

	if (!dir)
		close(dir_fd);
	else
		error = entries ? read_entries(dir, entries) : -ENOMEM;
	if (error == 0) {
		qsort(entries->entry, entries->n, sizeof(entries->entry[0]), compare_entries);
		error = print_to_memory(title, entries, ret_page, ret_len);
	}
	if (dir)
		closedir(dir);
	destroy_entries(entries);
	return error;
}
