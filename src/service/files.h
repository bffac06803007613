/* SPDX-License-Identifier: MIT */
/*
 * files.h - the files under a directory, as they are served
 *
 * A request's path is read into a name under the root (path.c) and what is there is looked at (probe.c).
 * That makes a resource: the file and what lies precompressed beside it, each a variant, either with its
 * bytes in memory or as an open descriptor, and with the field lines of its response ready. Resources are
 * kept by the path as it was received (cache.c), so that a repeated request costs one look into a table
 * and no system call; every FRESH_MS what is there is looked at again.
 */
#pragma once

#include "base/list.h"
#include "base/span.h"
#include "http/http.h"

#include <stdint.h>
#include <sys/stat.h>

#define FRESH_MS 100			/* how long a change may go unnoticed */
#define SMALL_BYTES (64 * 1024)		/* files up to this are kept in memory */
#define COPY_BYTES (8 * 1024)		/* bodies up to this are copied into the output */
#define DESCRIPTORS_MOST 32		/* of larger files, kept open */
#define NAME_BYTES 4096
#define FIELDS_BYTES 512

/* ---- path.c: between a request's path and a name under the root ---- */

struct name {
	size_t	len;			/* of text; 0 = the root itself */
	bool	plain;			/* the path was written in the way we, or anyone, would write it */
	char	text[NAME_BYTES];	/* decoded, without the first '/'; terminated */
};

/* Return: 0, or the status to refuse with: 400, 404 (a dotfile), 414. */
int path_read(struct span path, struct name *ret_name);
/* Does it name a directory by its '/' at the end? */
bool path_is_directory(const struct name *name);
/* Percent-encodes everything but unreserved characters and, with @slashes, '/'. Return: length or -ENOSPC. */
int path_encode(struct span text, bool slashes, char *out, size_t size);
/* The value of Location for a directory asked for without its '/'. Return: its length or -ENOSPC. */
int path_redirect(const struct name *name, struct span query, char *out, size_t size);

/* ---- probe.c: what is there now ---- */

enum coding { CODING_NONE, CODING_BROTLI, CODING_GZIP, N_CODINGS };

/* What tells one state of a file from another. */
struct identity {
	dev_t		dev;
	ino_t		ino;
	uint64_t	size;
	struct timespec	modified;
	struct timespec	changed;
};

struct probe {
	int		fd[N_CODINGS];	/* -1 = there is none */
	struct identity	identity[N_CODINGS];
};

/* Opens @name beneath @root_fd, never blocking. Return: a descriptor or -errno, -EXDEV if it leads out. */
int probe_open(int root_fd, const char *name);
/*
 * Opens the regular file @name and its usable precompressed neighbours.
 * Return: 0, -EISDIR, -EACCES (neither file nor directory, too), or another -errno; finish it always.
 */
int probe_init(struct probe *probe, int root_fd, const struct name *name);
void probe_finish(struct probe *probe);
/* Return: 0, -EISDIR, -EACCES (neither file nor directory) or another -errno. */
int identity_read(int fd, struct identity *ret_identity);
bool identity_equal(const struct identity *a, const struct identity *b);
/* The status that tells of -errno. */
int probe_status(int error);

/* ---- mime.c: extensions and their types ---- */

struct mime;

/* From the system's table, and from our own dozen for what it lacks. Return: 0 or -ENOMEM. */
int mime_create(const char *table_path, struct mime **ret_mime);
void mime_destroy(struct mime *mime);
/* The type of a file; application/octet-stream when nothing is known. Lives as long as @mime. */
struct span mime_type(const struct mime *mime, struct span name);

/* ---- variant.c: one file in one encoding, ready to be sent ---- */

struct variant {
	unsigned	refs;
	bool		young;		/* changed just before it was read: it may change without a trace */
	int		fd;		/* -1 = in memory */
	struct identity	identity;
	struct span	etag;
	struct span	fields;		/* field lines of a 200, at most FIELDS_BYTES: */
	struct span	validators;	/* the first of them, which a 304 repeats */
	struct span	untyped;	/* all but the last, Content-Type */
	struct span	type;		/* its value */
	struct span	data;		/* the content, when in memory */
	char		room[];
};

/*
 * Reads @fd, borrowed, into memory, or keeps a duplicate of it.
 * @vary: the path has more than one encoding. Return: 0, -ENOMEM, -EMFILE, -EIO, -EAGAIN (it changes).
 */
int variant_create(int fd, const struct identity *identity, enum coding coding, bool vary, struct span type,
		   struct variant **ret_variant);
/* Gives one reference back; fits where a release function is wanted. NULL is fine. */
void variant_release(void *variant);
static inline struct variant *variant_keep(struct variant *variant)
{
	variant->refs++;
	return variant;
}
/* Memory it takes. */
size_t variant_bytes(const struct variant *variant);

/* ---- cache.c: resources by path ---- */

struct resource {
	struct list	 lru;		/* in a cache, or not linked */
	struct resource	*chain;
	uint32_t	 hash;
	uint32_t	 path_len;
	uint64_t	 checked_ms;
	size_t		 n_bytes;
	unsigned	 n_descriptors;
	bool		 varied;	/* more than one variant */
	struct variant	*variant[N_CODINGS];
	char		 path[];
};

struct cache {
	size_t		 n_bytes;
	size_t		 n_bytes_max;
	unsigned	 n_descriptors;
	uint32_t	 mask;
	uint64_t	 seed;
	struct resource	**buckets;
	struct list	 in_memory;	/* least recently looked at first */
	struct list	 opened;	/* those that hold descriptors */
};

/* Return: 0 or -ENOMEM. */
int cache_init(struct cache *cache, size_t n_bytes_max);
void cache_finish(struct cache *cache);
/* NULL = not in it. */
struct resource *cache_find(const struct cache *cache, struct span path);
/* Takes @resource, and evicts others. Return: false when it is too large; then it stays the caller's. */
bool cache_insert(struct cache *cache, struct resource *resource);
/* It was looked at and is as it was. */
void cache_touch(struct cache *cache, struct resource *resource, uint64_t now_ms);
/* Removes and destroys. */
void cache_drop(struct cache *cache, struct resource *resource);

/* ---- resource.c ---- */

/* A resource outside every cache. Return: 0 or -errno, as variant_create(). */
int resource_create(struct span path, const struct probe *probe, struct span type,
		    struct resource **ret_resource);
void resource_destroy(struct resource *resource);
/* Is @probe what it was made from? */
bool resource_matches(const struct resource *resource, const struct probe *probe);
/* Are the files it holds open still what they were? Not whether the path leads to them. */
bool resource_unchanged(const struct resource *resource);
/* The variant that suits an Accept-Encoding best; @accept is SPAN_NULL without one. */
struct variant *resource_choose(const struct resource *resource, struct span accept);

/* ---- serve.c, multipart.c: a variant answers a GET or a HEAD ---- */

struct brood_request;
struct http_range;

void serve_variant(struct brood_request *r, struct variant *variant);
/* A piece of the content goes into a response that has started. Return: 0 or -errno. */
int serve_piece(struct brood_request *r, struct variant *variant, uint64_t offset, uint64_t len);
/* Answers with the @n > 1 @ranges. */
void multipart_respond(struct brood_request *r, struct variant *variant, const struct http_range *ranges,
		       int n);

/* What stands before each part of a multipart body, and behind the last one. */
struct parts {
	unsigned	refs;
	int		n;		/* texts, one more than ranges */
	struct span	text[HTTP_RANGES_MAX + 1];
	char		room[];
};

/* Return: 0 or -ENOMEM. */
int parts_create(struct span type, struct span boundary, uint64_t size, const struct http_range *ranges,
		 int n, struct parts **ret_parts);
void parts_release(void *parts);

/* ---- listing.c: a directory as a page ---- */

/* Takes @dir_fd, on failure too. Return: 0 and a page to free(), or -errno. */
int listing_render(int dir_fd, struct span title, char **ret_page, size_t *ret_len);
