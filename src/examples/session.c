/* SPDX-License-Identifier: MIT */
/*
 * session - who is logged in, whichever worker is asked
 *
 *   brood serve --handler session.so --state-full refuse
 *
 *   POST /login?user=U       begins a session, and names it in a cookie
 *   GET  /                   who one is, and how often one was here
 *   POST /logout             ends it
 *
 * A session is a struct under a name that cannot be guessed, and lives for half an hour after its last use. What is read,
 * changed and written may have been changed by another worker in between: then it is read again. The store may be in
 * memory, which answers at once, or on a Redis server (--state redis://...), which does later.
 */
#include <brood.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LIFE_MS (30 * 60 * 1000)
#define NAME_BYTES 32		/* hexadecimal digits */
#define KEY_BYTES sizeof("session:" "0123456789abcdef0123456789abcdef")

struct session {
	char		user[64];
	uint64_t	visits;
};

/* One of a request, while its session is read and written. */
struct visit {
	struct session	session;
	char		key[KEY_BYTES];
};

static void respond(struct brood_request *r, int status, const char *text)
{
	brood_respond(r, status, "text/plain", text, strlen(text));
}

static bool is_name(const char *text)
{
	for (unsigned i = 0; i < NAME_BYTES; i++)
		if (!memchr("0123456789abcdef", text[i], 16))
			return false;
	return true;
}

/* "session:" and what the cookie says. Return: false when there is none. */
static bool name_session(const struct brood_request *r, char key[KEY_BYTES])
{
	size_t len;
	const char *cookie = brood_header(r, "Cookie", &len);
	const char *at = cookie ? memmem(cookie, len, "session=", 8) : NULL;

	if (!at || (size_t)(cookie + len - at) < 8 + NAME_BYTES || !is_name(at + 8))
		return false;
	snprintf(key, KEY_BYTES, "session:%.*s", NAME_BYTES, at + 8);
	return true;
}

static void on_logged_in(struct brood_request *r, const struct brood_state_answer *answer, void *arg)
{
	if (answer->error < 0)
		respond(r, 503, "503 try again\n");
	else
		respond(r, 200, "welcome\n");
}

static void log_in(struct brood_request *r)
{
	struct session session = { .user = "" };
	const struct brood_state_value value = { &session, sizeof(session), LIFE_MS };
	char key[KEY_BYTES], cookie[128];
	uint64_t name[2];

	if (brood_query_get(r, "user", session.user, sizeof(session.user)) <= 0 ||
	    getrandom(name, sizeof(name), 0) != sizeof(name)) {
		respond(r, 400, "400 user missing or too long\n");
		return;
	}
	snprintf(key, KEY_BYTES, "session:%016llx%016llx", (unsigned long long)name[0], (unsigned long long)name[1]);
	snprintf(cookie, sizeof(cookie), "session=%s; HttpOnly; SameSite=Strict; Path=/", key + strlen("session:"));
	brood_set_header(r, "Set-Cookie", cookie);
	if (brood_state_cas_async(r, key, 0, &value, on_logged_in, NULL) < 0)
		respond(r, 503, "503 try again\n");
}

static void on_closed(struct brood_request *r, void *arg)
{
	free(arg);
}

static void finish(struct brood_request *r, struct visit *v, int error)
{
	char text[128];

	snprintf(text, sizeof(text), "%s, visit %llu, worker %u\n", v->session.user, (unsigned long long)v->session.visits,
		 brood_slot());
	brood_on_close(r, NULL, NULL);
	free(v);
	if (error < 0)
		respond(r, error == -ENOENT ? 401 : 503, error == -ENOENT ? "401 log in\n" : "503 try again\n");
	else
		respond(r, 200, text);
}

static void on_session(struct brood_request *r, const struct brood_state_answer *answer, void *arg);

static void on_written(struct brood_request *r, const struct brood_state_answer *answer, void *arg)
{
	struct visit *v = arg;
	int error = answer->error;

	if (error == -ESTALE) {
		error = brood_state_get_async(r, v->key, on_session, v);
		if (error == 0)
			return;
	}
	finish(r, v, error);
}

static void on_session(struct brood_request *r, const struct brood_state_answer *answer, void *arg)
{
	struct visit *v = arg;
	const struct brood_state_value value = { &v->session, sizeof(v->session), LIFE_MS };
	int error = answer->error;

	if (error == 0 && answer->len != sizeof(v->session))
		error = -ENOENT;
	if (error == 0) {
		memcpy(&v->session, answer->value, sizeof(v->session));
		v->session.visits++;
		error = brood_state_cas_async(r, v->key, answer->version, &value, on_written, v);
	}
	if (error < 0)
		finish(r, v, error);
}

static void tell(struct brood_request *r)
{
	struct visit *v = calloc(1, sizeof(*v));
	int error;

	if (!v) {
		respond(r, 503, "503 try again\n");
		return;
	}
	brood_on_close(r, on_closed, v);
	error = name_session(r, v->key) ? brood_state_get_async(r, v->key, on_session, v) : -ENOENT;
	if (error < 0)
		finish(r, v, error);
}

static void on_logged_out(struct brood_request *r, const struct brood_state_answer *answer, void *arg)
{
	if (answer->error < 0 && answer->error != -ENOENT)
		respond(r, 503, "503 try again\n");
	else
		respond(r, 200, "bye\n");
}

static void log_out(struct brood_request *r)
{
	char key[KEY_BYTES];

	brood_set_header(r, "Set-Cookie", "session=; Max-Age=0; Path=/");
	if (!name_session(r, key))
		respond(r, 200, "bye\n");
	else if (brood_state_delete_async(r, key, on_logged_out, NULL) < 0)
		respond(r, 503, "503 try again\n");
}

void brood_handle(struct brood_request *request)
{
	bool posts = strcmp(brood_method(request), "POST") == 0;
	size_t len;
	const char *path = brood_path(request, &len);

	if (posts && len == 6 && memcmp(path, "/login", 6) == 0)
		log_in(request);
	else if (posts && len == 7 && memcmp(path, "/logout", 7) == 0)
		log_out(request);
	else if (!posts && len == 1)
		tell(request);
	else
		respond(request, 404, "404 Not Found\n");
}
