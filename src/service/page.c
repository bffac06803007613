/* SPDX-License-Identifier: MIT */
#include "service/admin.h"

/* Made by the Makefile of src/service/page/. */
static const char html[] = {
#include <page.html.inc>
};
static const char script[] = {
#include <admin.js.inc>
};
static const char style[] = {
#include <admin.css.inc>
};

#define CONTENT(bytes) { (bytes), sizeof(bytes) }

static const struct page pages[] = {
	{ "/", "text/html; charset=utf-8", CONTENT(html) },
	{ "/admin.js", "text/javascript; charset=utf-8", CONTENT(script) },
	{ "/admin.css", "text/css; charset=utf-8", CONTENT(style) },
};

const struct page *page_find(struct span path)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (span_equal(path, span_of(pages[i].path)))
			return &pages[i];
	return NULL;
}
