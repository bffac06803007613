/* SPDX-License-Identifier: MIT */
/*
 * herald - the process that runs the functions of brood_on(): made, told, guarded
 *
 * It may do anything, but not for long: one that dies is started anew, later each time; one that does not get on
 * with what it was told (notes.c) is killed. In a new one the workers there are are known before it is told
 * anything.
 *
 * Fails by: events that are not told, but their number.
 */
#include "parent/herald.h"

#include "base/log.h"
#include "helper/helper.h"
#include "message/mailbox.h"
#include "parent/crew.h"
#include "parent/loop.h"
#include "parent/notes.h"
#include "parent/obituary.h"
#include "parent/pidfd.h"
#include "parent/post.h"
#include "parent/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LOOK_MS		1000
#define END_MS		1000		/* for what is left to be told when the pool has stopped */
#define BACKOFF_MIN_MS	100
#define BACKOFF_MAX_MS	10000

struct herald {
	pid_t		 pid;		/* 0 = there is none */
	int		 pid_fd;
	_Atomic uint64_t *progress;	/* shared with it */
	struct helper	*inside;	/* with callbacks_in_parent, in its place */
	int		 inside_fd;
	uint64_t	 born_ms;
	uint64_t	 again_ms;	/* when another is to be made; 0 = never */
	uint64_t	 backoff_ms;
	uint64_t	 look_ms;	/* whether it gets on; 0 = it has nothing to do */
	uint64_t	 seen;		/* its progress then... */
	uint64_t	 moved_ms;	/* ...and since when it is that */
	uint64_t	 end_ms;	/* it has been told all; then it is killed; 0 = it has not */
};

static bool has_helper(const struct crew *crew)
{
	return crew->post->helper != NULL;
}

/* ---- making ---- */

/* Return: 0 or -errno; takes nothing on failure. */
static int open_box(struct crew *crew, const int ends[2])
{
	crew->post->helper = box_open(crew, ends, 0, 0, crew->herald->progress);
	return crew->post->helper ? 0 : -ENOMEM;
}

static int begin_inside(struct crew *crew, int mail_fd)
{
	struct herald *h = crew->herald;

	h->inside = helper_create(crew->config, mail_fd, h->progress);
	h->inside_fd = mail_fd;
	if (!h->inside)
		return -ENOMEM;
	log_warn("callbacks_in_parent: the functions of brood_on() run in the parent; a fault there is the pool's");
	return loop_watch(crew, mail_fd, EPOLLIN, tag_make(SOURCE_HERALD_MAIL, 0, 0));
}

static int begin_process(struct crew *crew, int mail_fd)
{
	struct herald *h = crew->herald;

	fflush(NULL);
	h->pid = spawn_helper(crew->config, crew->pid, mail_fd, h->progress);
	if (h->pid < 0) {
		int error = h->pid;

		h->pid = 0;
		return error;
	}
	h->born_ms = crew->now_ms;
	return pidfd_watch(crew, h->pid, tag_make(SOURCE_HERALD, 0, 0), &h->pid_fd);
}

static void end_process(struct herald *h)
{
	if (h->pid > 0)
		(void)kill(h->pid, SIGKILL);
	while (h->pid > 0 && waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (h->pid_fd >= 0)
		close(h->pid_fd);
	h->pid = 0;
	h->pid_fd = -1;
}

static int begin(struct crew *crew)
{
	struct herald *h = crew->herald;
	int ends[2], r = mailbox_pair(ends);

	if (r < 0)
		return r;
	atomic_store(h->progress, 0);
	r = crew->config->options.callbacks_in_parent ? begin_inside(crew, ends[1]) : begin_process(crew, ends[1]);
	if (r == 0)
		r = open_box(crew, ends);
	if (r < 0) {
		end_process(h);
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	notes_introduce(crew);
	return 0;
}

int herald_create(struct crew *crew)
{
	struct herald *h;
	int r;

	if (!crew->config->observers)
		return 0;
	h = calloc(1, sizeof(*h));
	crew->herald = h;
	if (!h)
		return -ENOMEM;
	*h = (struct herald){ .pid_fd = -1, .inside_fd = -1, .backoff_ms = BACKOFF_MIN_MS };
	if (notes_create(crew) < 0)
		return -ENOMEM;
	h->progress = mmap(NULL, sizeof(*h->progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h->progress == MAP_FAILED) {
		h->progress = NULL;
		return -ENOMEM;
	}
	r = begin(crew);
	if (r == 0)
		notes_setup(crew);
	return r;
}

void herald_destroy(struct crew *crew)
{
	struct herald *h = crew->herald;

	if (!h)
		return;
	end_process(h);
	helper_destroy(h->inside);
	if (h->progress)
		munmap(h->progress, sizeof(*h->progress));
	free(h);
	crew->herald = NULL;
	notes_destroy(crew);
}

/* ---- guarding ---- */

bool herald_is(const struct crew *crew, pid_t pid)
{
	return crew->herald && crew->herald->pid == pid && pid != 0;
}

static void begin_later(struct crew *crew, const char *how)
{
	struct herald *h = crew->herald;
	char wait[DURATION_TEXT_BYTES];

	if (crew->now_ms - h->born_ms >= BACKOFF_MAX_MS)
		h->backoff_ms = BACKOFF_MIN_MS;
	duration_format(h->backoff_ms, wait);
	log_warn("the process of the callbacks (pid %d): %s; another in %s", (int)h->pid, how, wait);
	h->again_ms = crew->now_ms + h->backoff_ms;
	h->backoff_ms = 2 * h->backoff_ms < BACKOFF_MAX_MS ? 2 * h->backoff_ms : BACKOFF_MAX_MS;
}

static void tell_how(const siginfo_t *info, char *out, size_t size)
{
	if (info->si_code == CLD_EXITED)
		snprintf(out, size, "exited with code %d", info->si_status);
	else
		snprintf(out, size, "died by SIG%s",
			 sigabbrev_np(info->si_status) ? sigabbrev_np(info->si_status) : "?");
}

void on_herald_death(struct crew *crew)
{
	struct herald *h = crew->herald;
	siginfo_t info;
	char how[64];

	if (h->pid == 0 || !pidfd_wait(h->pid_fd, h->pid, &info, WEXITED))
		return;
	post_close(crew, crew->post->helper);
	h->look_ms = 0;
	tell_how(&info, how, sizeof(how));
	if (!h->end_ms)
		begin_later(crew, how);
	if (h->pid_fd >= 0)
		close(h->pid_fd);
	h->pid_fd = -1;
	h->pid = 0;
}

void herald_expect(struct crew *crew)
{
	struct herald *h = crew->herald;

	if (!h || h->look_ms != 0 || h->inside)
		return;
	h->look_ms = crew->now_ms + LOOK_MS;
	h->seen = atomic_load(h->progress);
	h->moved_ms = crew->now_ms;
}

static bool has_unread(const struct crew *crew)
{
	char byte;

	return has_helper(crew) && recv(crew->post->helper->far_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void look(struct crew *crew)
{
	struct herald *h = crew->herald;
	uint32_t timeout_ms = crew->config->options.hang_timeout_ms;
	uint64_t seen = atomic_load(h->progress);

	if (!has_unread(crew)) {
		h->look_ms = 0;
		return;
	}
	if (seen != h->seen)
		h->moved_ms = crew->now_ms;
	h->seen = seen;
	h->look_ms = crew->now_ms + LOOK_MS;
	if (timeout_ms == BROOD_OFF || crew->now_ms - h->moved_ms < timeout_ms)
		return;
	log_error("the process of the callbacks (pid %d): one has not returned within the hang timeout; killing it",
		  (int)h->pid);
	pidfd_kill(h->pid_fd, h->pid, SIGKILL);
	h->moved_ms = crew->now_ms;
}

static void begin_again(struct crew *crew)
{
	struct herald *h = crew->herald;
	int r = begin(crew);

	h->again_ms = r < 0 ? crew->now_ms + h->backoff_ms : 0;
	if (r < 0)
		log_warn("the process of the callbacks cannot be made: %s; trying again", strerror(-r));
	else
		notes_send(crew);
}

static void earlier(uint64_t *next_ms, uint64_t at_ms)
{
	if (at_ms != 0 && (*next_ms == 0 || at_ms < *next_ms))
		*next_ms = at_ms;
}

uint64_t herald_next_ms(const struct crew *crew)
{
	const struct herald *h = crew->herald;
	uint64_t next_ms = 0;

	if (!h)
		return 0;
	earlier(&next_ms, h->again_ms);
	earlier(&next_ms, h->look_ms);
	earlier(&next_ms, h->pid || h->inside ? h->end_ms : 0);
	return next_ms;
}

void herald_expire(struct crew *crew)
{
	struct herald *h = crew->herald;

	if (!h)
		return;
	if (h->again_ms && crew->now_ms >= h->again_ms && !h->end_ms)
		begin_again(crew);
	if (h->look_ms && crew->now_ms >= h->look_ms)
		look(crew);
	if (h->pid && h->end_ms && crew->now_ms >= h->end_ms) {
		log_warn("the process of the callbacks (pid %d): does not end; killing it", (int)h->pid);
		pidfd_kill(h->pid_fd, h->pid, SIGKILL);
		h->end_ms = crew->now_ms + END_MS;
	}
}

/* ---- inside ---- */

void on_herald_mail(struct crew *crew)
{
	struct herald *h = crew->herald;
	enum helper_state state = helper_turn(h->inside, 1);

	(void)loop_rewatch(crew, h->inside_fd, state == HELPER_FULL ? EPOLLIN | EPOLLOUT : EPOLLIN,
			   tag_make(SOURCE_HERALD_MAIL, 0, 0));
}

/* ---- the end ---- */

static bool linger_inside(struct crew *crew)
{
	notes_send(crew);
	return has_unread(crew) && crew->now_ms < crew->herald->end_ms;
}

bool herald_lingers(struct crew *crew)
{
	struct herald *h = crew->herald;

	if (!h || (!h->pid && !h->inside))
		return false;
	if (h->end_ms == 0)
		h->end_ms = crew->now_ms + END_MS;
	if (h->inside)
		return linger_inside(crew);
	notes_send(crew);
	if (notes_are_sent(crew) && has_helper(crew))
		(void)shutdown(crew->post->helper->fd, SHUT_WR);
	return true;
}
