/* SPDX-License-Identifier: MIT */
/*
 * files - a directory answers
 *
 * A path that was looked at less than FRESH_MS ago is answered from the cache. Else what is there is
 * looked at: when it is what the cache holds, that is good again, otherwise it is read anew.
 *
 * Fails by: 403, 404, 414 or 503, as the kernel's reason has it (probe_status()).
 */
#include "service/service.h"

#include "base/auto.h"
#include "base/must.h"
#include "bridge/config.h"
#include "conn/conn.h"
#include "service/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define MIME_TABLE "/etc/mime.types"
#define LOCATION_BYTES (FIELDS_MOST - 64)
#define CHANGES_MOST 4		/* while it is being read, before we say that we could not */

struct files {
	int		root_fd;
	bool		listing;
	struct mime	*mime;
	struct cache	cache;
};

/* ---- making ---- */

/* Return: 0, or -errno: a directory that cannot be searched, or whose list cannot be read, serves nothing. */
static int check_root(const struct files *files)
{
	int fd;

	if (faccessat(files->root_fd, ".", files->listing ? R_OK | X_OK : X_OK, AT_EACCESS) < 0)
		return -errno;
	fd = probe_open(files->root_fd, ".");
	if (fd >= 0)
		close(fd);
	return fd == -ENOSYS || fd == -EPERM ? -ENOSYS : 0;
}

static int open_root(struct files *files, const char *path, char *ret_error, size_t size)
{
	int error;

	files->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	error = files->root_fd < 0 ? -errno : check_root(files);
	if (error == -ENOSYS)
		snprintf(ret_error, size, "directory %s: openat2() is refused here; it needs Linux 5.6 and a "
			 "seccomp filter that knows it", path);
	else if (error < 0)
		snprintf(ret_error, size, "directory %s: %s", path, strerror(-error));
	return error;
}

int files_create(const struct config *config, void **ret_ctx, char *ret_error, size_t size)
{
	const struct brood_options *options = &config->options;
	struct files *files = calloc(1, sizeof(*files));
	int error;

	snprintf(ret_error, size, "directory %s: out of memory", options->root);
	if (!files)
		return -ENOMEM;
	files->listing = options->listing;
	error = open_root(files, options->root, ret_error, size);
	if (error == 0)
		error = mime_create(MIME_TABLE, &files->mime);
	if (error == 0)
		error = cache_init(&files->cache, options->cache_bytes);
	if (error < 0)
		files_destroy(files);
	else
		*ret_ctx = files;
	return error;
}

void files_destroy(void *ctx)
{
	struct files *files = ctx;

	cache_finish(&files->cache);
	mime_destroy(files->mime);
	auto_close(&files->root_fd);
	free(files);
}

/* ---- directories ---- */

static void redirect(struct brood_request *r, const struct name *name)
{
	char location[LOCATION_BYTES];
	int n = path_redirect(name, r->head.query, location, sizeof(location));

	if (n < 0 || exchange_set_field(r, SPAN("Location"), (struct span){ location, (size_t)n }) < 0)
		exchange_respond_status(r, 414);
	else
		exchange_respond_status(r, 301);
}

static void respond_listing(struct brood_request *r, int dir_fd, const struct name *name)
{
	char title[NAME_BYTES + 1] = "/", *page;
	size_t len;
	int error;

	memcpy(title + 1, name->text, name->len);
	error = listing_render(dir_fd, (struct span){ title, name->len + 1 }, &page, &len);
	if (error < 0) {
		exchange_respond_status(r, probe_status(error));
		return;
	}
	if (exchange_start(r, 200, SPAN("text/html; charset=utf-8"), len) < 0) {
		free(page);
		return;
	}
	exchange_write_borrowed(r, (struct span){ page, len }, free, page);
	exchange_end(r);
}

static void answer_directory(struct files *files, struct brood_request *r, const struct name *name)
{
	int fd = probe_open(files->root_fd, name->len > 0 ? name->text : ".");

	if (fd >= 0 && files->listing) {
		respond_listing(r, fd, name);
		return;
	}
	if (fd >= 0)
		close(fd);
	exchange_respond_status(r, fd >= 0 ? 403 : probe_status(fd));
}

/* ---- files ---- */

static void serve_resource(struct brood_request *r, const struct resource *resource)
{
	struct span accept = SPAN_NULL;

	if (resource->varied)
		accept = http_head_field(&r->head, SPAN("Accept-Encoding"));
	serve_variant(r, resource_choose(resource, accept));
}

/* What the path holds now, as the cache has it or read anew; *old is NULL then. */
static int find_resource(struct files *files, struct brood_request *r, const struct name *name,
			 struct resource **old, struct resource **ret_resource)
{
	struct span type = mime_type(files->mime, (struct span){ name->text, name->len });
	struct probe probe;
	int error = probe_init(&probe, files->root_fd, name);

	if (error == 0 && *old && resource_matches(*old, &probe)) {
		cache_touch(&files->cache, *old, r->table->engine->now_ms);
		*ret_resource = *old;
	} else if (error == 0) {
		error = resource_create(r->head.path, &probe, type, ret_resource);
	}
	probe_finish(&probe);
	if (*old && (error == -EMFILE || error == -ENFILE)) {
		*ret_resource = *old;	/* without a descriptor to look with, the last known is the best */
		return 0;
	}
	if (*old && (error < 0 || *ret_resource != *old)) {
		cache_drop(&files->cache, *old);
		*old = NULL;
	}
	return error;
}

static int answer_file(struct files *files, struct brood_request *r, const struct name *name,
		       struct resource *old)
{
	struct resource *resource = NULL;
	int error = -EAGAIN;

	for (int i = 0; i < CHANGES_MOST && error == -EAGAIN; i++)
		error = find_resource(files, r, name, &old, &resource);
	if (error < 0)
		return error;
	must(resource);
	if (resource != old) {
		resource->checked_ms = r->table->engine->now_ms;
		if (name->plain)
			cache_insert(&files->cache, resource);
	}
	serve_resource(r, resource);
	if (!list_linked(&resource->lru))
		resource_destroy(resource);
	return 0;
}

static void look_up(struct files *files, struct brood_request *r, struct resource *old)
{
	struct name name;
	int status = path_read(r->head.path, &name);
	bool directory;
	size_t len;
	int error;

	if (status != 0) {
		exchange_respond_status(r, status);
		return;
	}
	len = name.len;
	directory = path_is_directory(&name);
	if (directory) {
		memcpy(name.text + len, "index.html", sizeof("index.html"));
		name.len += sizeof("index.html") - 1;
	}
	error = answer_file(files, r, &name, old);
	if (directory && error == -ENOENT) {
		name.len = len;
		name.text[len] = '\0';
		answer_directory(files, r, &name);
	} else if (!directory && error == -EISDIR) {
		redirect(r, &name);
	} else if (error < 0) {
		exchange_respond_status(r, probe_status(error));
	}
}

/* ---- the request ---- */

/* Content that is not in memory may have been cut in place: then its length must not be announced again. */
static bool is_fresh(const struct brood_request *r, const struct resource *resource)
{
	if (r->table->engine->now_ms - resource->checked_ms > FRESH_MS)
		return false;
	return resource->n_descriptors == 0 || resource_unchanged(resource);
}

static void answer_other_method(struct brood_request *r)
{
	exchange_set_field(r, SPAN("Allow"), SPAN("GET, HEAD, OPTIONS"));
	exchange_respond_status(r, r->head.method == HTTP_OPTIONS ? 204 : 405);
}

void files_answer(struct brood_request *r, void *ctx)
{
	struct files *files = ctx;
	struct resource *resource;

	if (r->head.method != HTTP_GET && r->head.method != HTTP_HEAD) {
		answer_other_method(r);
		return;
	}
	resource = cache_find(&files->cache, r->head.path);
	if (resource && is_fresh(r, resource))
		serve_resource(r, resource);
	else
		look_up(files, r, resource);
}
