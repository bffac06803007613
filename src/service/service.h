/* SPDX-License-Identifier: MIT */
/*
 * service.h - what answers the requests of a worker
 *
 * One of: a function of the program, a shared object, the files under a directory, a text. Made in the
 * worker, after the fork and after privileges were dropped: what cannot be opened then is not served.
 *
 *   public.c    the functions of brood.h that concern a request
 *   text.c      the same text for everything
 *   handler.c   a user's shared object
 *   files.c     a directory: what a request for a file is answered with
 *   serve.c     a file is sent: conditions, ranges, the whole
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct brood_datagram;
struct brood_request;
struct config;
struct service;		/* of conn/conn.h */
struct stream_service;	/* likewise */
struct datagram_service;	/* likewise */

/* service.c */

/*
 * Chooses and makes what answers. Return: 0, or -errno with ret_error one line that says what failed.
 * What @config points to must outlive the service.
 */
int service_create(const struct config *config, struct service *ret_service, char *ret_error, size_t size);
/*
 * What the streams of each address call: @ret_streams[i] for the i-th, without events when it is not of streams.
 * Return: 0, or -errno with ret_error. It lives as long as the service and @config.
 */
int service_streams(const struct config *config, const struct service *service, struct stream_service *ret_streams,
		    char *ret_error, size_t size);
/* The same of datagrams. */
int service_datagrams(const struct config *config, const struct service *service,
		      struct datagram_service *ret_services, char *ret_error, size_t size);
/* No request may be under way. A zeroed service is fine. */
void service_destroy(struct service *service);

/* text.c */

int text_create(const struct config *config, void **ret_ctx, char *ret_error, size_t size);
void text_destroy(void *ctx);
void text_answer(struct brood_request *r, void *ctx);

/* handler.c */

/* Of handlers and of task processes. Return: 0, or -errno and ret_error is one line. */
int handler_open(const char *path, void **ret_object, char *ret_error, size_t size);
int handler_create(const struct config *config, void **ret_ctx, char *ret_error, size_t size);
void handler_destroy(void *ctx);
void handler_answer(struct brood_request *r, void *ctx);
void handler_datagram(struct brood_datagram *datagram, const void *data, size_t len, void *ctx);
/* Whether it exports what that calls. */
bool handler_has_datagram(void *ctx);
/* NULL = it exports none. */
const struct brood_stream_events *handler_stream_events(void *ctx);

/* files.c */

int files_create(const struct config *config, void **ret_ctx, char *ret_error, size_t size);
void files_destroy(void *ctx);
void files_answer(struct brood_request *r, void *ctx);

/* admin.c */

struct heritage;

/* What the admin address answers. As service_create(); @heritage must outlive it. */
int admin_create(const struct heritage *heritage, struct service *ret_service, char *ret_error, size_t size);
void admin_destroy(struct service *service);
