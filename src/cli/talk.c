/* SPDX-License-Identifier: MIT */
/* talk - requests to a pool and their replies, one at a time; it may take TALK_MS for each */
#include "base/control.h"
#include "cli/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define TALK_MS 10000

static int set_patience(int fd)
{
	const struct timeval most = { .tv_sec = TALK_MS / 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) < 0)
		return -errno;
	return 0;
}

int talk_connect(struct talk *talk)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	memcpy(address.sun_path, talk->path, sizeof(address.sun_path));
	talk->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (talk->fd < 0)
		return -errno;
	r = set_patience(talk->fd);
	if (r == 0 && connect(talk->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	if (r < 0)
		talk_end(talk);
	return r;
}

void talk_end(struct talk *talk)
{
	if (talk->fd >= 0)
		close(talk->fd);
	talk->fd = -1;
}

static int send_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int talk_say(struct talk *talk, const json_t *request)
{
	char line[CONTROL_REQUEST_MAX];
	size_t len = json_dumpb(request, line, sizeof(line) - 1, JSON_COMPACT);

	if (len == 0 || len > sizeof(line) - 1)
		return -EMSGSIZE;
	line[len] = '\n';
	return send_all(talk->fd, line, len + 1);
}

/* Return: the bytes up to the end of the line, or -errno. *ret_line is to be freed, whatever it is. */
static ssize_t receive_line(int fd, char **ret_line)
{
	size_t size = 0, n = 0;

	*ret_line = NULL;
	for (;;) {
		char *end = n > 0 ? memchr(*ret_line, '\n', n) : NULL;
		ssize_t more;

		if (end)
			return end - *ret_line;
		if (n == size) {
			char *wider = size < CONTROL_REPLY_MAX ? realloc(*ret_line, size + 16384) : NULL;

			if (!wider)
				return -EMSGSIZE;
			*ret_line = wider;
			size += 16384;
		}
		more = recv(fd, *ret_line + n, size - n, 0);
		if (more <= 0)
			return more < 0 ? -errno : -ECONNRESET;
		n += (size_t)more;
	}
}

json_t *talk_hear(struct talk *talk, const char **ret_why)
{
	json_t *reply = NULL;
	char *line;
	ssize_t n = receive_line(talk->fd, &line);

	*ret_why = "it answers what is no reply";
	if (n < 0)
		*ret_why = n == -EAGAIN ? "it does not answer" : strerrordesc_np((int)-n);
	else
		reply = json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	free(line);
	if (reply && json_is_boolean(json_object_get(reply, "ok")))
		return reply;
	json_decref(reply);
	talk_end(talk);
	return NULL;
}

json_t *talk_ask(struct talk *talk, json_t *request, const char **ret_why)
{
	int r = talk_say(talk, request);

	json_decref(request);
	if (r == 0 || r == -EPIPE)	/* one who hangs up may have said why */
		return talk_hear(talk, ret_why);
	*ret_why = strerrordesc_np(-r);
	talk_end(talk);
	return NULL;
}
