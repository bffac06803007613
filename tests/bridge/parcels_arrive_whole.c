/* SPDX-License-Identifier: MIT */
/* Parcels of any size arrive as they were, the end of a side is seen, and what is no parcel is refused. */
#include "bridge/parcel.h"
#include "bridge/rights.h"
#include "bridge/wire.h"

#include <fcntl.h>
#include <sys/mman.h>

static void any_size(void **state)
{
	static const size_t sizes[] = { 0, 1, PARCEL_COPY_MOST - 1, PARCEL_COPY_MOST, PARCEL_COPY_MOST + 1, 10 << 20 };
	char *data = malloc(10 << 20);
	struct parcel parcel;
	int pair[2];

	for (size_t i = 0; i < 10 << 20; i++)
		data[i] = (char)(i * 31 >> 3);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(parcel_send(pair[0], PARCEL_RESULT, data, sizes[i]), 0);
		assert_int_equal(parcel_receive(pair[1], &parcel), 1);
		assert_int_equal(parcel.kind, PARCEL_RESULT);
		assert_int_equal(parcel.len, sizes[i]);
		assert_memory_equal(parcel.data, data, sizes[i]);
		assert_int_equal(parcel.map != NULL, sizes[i] > PARCEL_COPY_MOST);
		parcel_release(&parcel);
	}
	assert_int_equal(parcel_receive(pair[1], &parcel), -EAGAIN);
	assert_false(parcel_is_over(pair[1]));
	close(pair[0]);
	assert_true(parcel_is_over(pair[1]));
	assert_int_equal(parcel_receive(pair[1], &parcel), -EPIPE);
	assert_int_equal(parcel_send(pair[1], PARCEL_RESULT, "x", 1), -EPIPE);
	close(pair[1]);
	free(data);
}

/* Progress gives way; the result always fits. */
static void results_fit_behind_progress(void **state)
{
	static char data[PARCEL_COPY_MOST];
	struct parcel parcel;
	unsigned n = 0;
	int pair[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	while ((r = parcel_send(pair[0], PARCEL_PROGRESS, data, 100)) == 0)
		n++;
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(parcel_send(pair[0], PARCEL_RESULT, data, sizeof(data)), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(parcel_receive(pair[1], &parcel), 1);
	assert_int_equal(parcel_receive(pair[1], &parcel), 1);
	assert_int_equal(parcel.kind, PARCEL_RESULT);
	assert_int_equal(parcel.len, sizeof(data));
	parcel_release(&parcel);
	close(pair[0]);
	close(pair[1]);
}

struct label { uint32_t kind, apart; uint64_t len; };

static int sent_as(const struct label *label, size_t n, int fd)
{
	struct iovec part = { (void *)label, n };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights_buffer rights;
	struct parcel parcel;
	int pair[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	if (fd >= 0)
		rights_attach(&header, &rights, &fd, 1);
	assert_int_equal(sendmsg(pair[0], &header, 0), n);
	r = parcel_receive(pair[1], &parcel);
	close(pair[0]);
	close(pair[1]);
	return r;
}

static void nothing_else(void **state)
{
	const struct label apart = { PARCEL_RESULT, 1, 4096 }, inline_ = { PARCEL_RESULT, 0, 0 };
	const struct label unknown = { 9, 0, 0 }, longer = { PARCEL_RESULT, 0, 1 }, empty = { PARCEL_RESULT, 1, 0 };
	int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC), null_fd = open("/dev/null", O_RDONLY);
	unsigned n_before = n_open_fds();

	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(sent_as(&inline_, sizeof(inline_), -1), 1);
	assert_int_equal(sent_as(&inline_, 4, -1), -EPROTO);
	assert_int_equal(sent_as(&unknown, sizeof(unknown), -1), -EPROTO);
	assert_int_equal(sent_as(&longer, sizeof(longer), -1), -EPROTO);
	assert_int_equal(sent_as(&inline_, sizeof(inline_), fd), -EPROTO);
	assert_int_equal(sent_as(&apart, sizeof(apart), -1), -EPROTO);
	assert_int_equal(sent_as(&apart, sizeof(apart), null_fd), -EPROTO);
	assert_int_equal(sent_as(&apart, sizeof(apart), fd), -EPROTO);		/* not sealed */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	assert_int_equal(sent_as(&apart, sizeof(apart), fd), 1);
	assert_int_equal(sent_as(&empty, sizeof(empty), fd), -EPROTO);
	assert_int_equal(sent_as(&empty, 0, fd), -EPROTO);
	assert_int_equal(n_open_fds(), n_before);
	close(fd);
	close(null_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_size), cmocka_unit_test(results_fit_behind_progress), cmocka_unit_test(nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
