/* SPDX-License-Identifier: MIT */
/* hello - a pool of workers that say hello: hello [ADDRESS] */
#include <brood.h>

static void hello(struct brood_request *request, void *arg)
{
	brood_respond(request, 200, "text/plain", "Hello\n", 6);
}

int main(int argc, char **argv)
{
	struct brood *brood;
	int code = BROOD_EXIT_NOT_STARTED;

	if (brood_create(NULL, &brood) < 0)
		return code;
	if (brood_listen(brood, argc > 1 ? argv[1] : ":8080") >= 0 && brood_http(brood, hello, NULL) == 0)
		code = brood_run(brood);
	brood_destroy(brood);
	return code;
}
