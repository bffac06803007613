/* SPDX-License-Identifier: MIT */
/* self - what a handler may ask of and about the worker it runs in */
#include "worker/room.h"

#include <stdio.h>

static struct worker *self;

void self_set(struct worker *w)
{
	self = w;
}

struct worker *self_get(void)
{
	return self;
}

void brood_retire(const char *reason)
{
	struct suicide_msg message = { .reason = "" };

	if (!self || self->retiring || self->drain.on)
		return;
	self->retiring = true;
	snprintf(message.reason, sizeof(message.reason), "%s", reason && *reason ? reason : "no reason given");
	message_send(self, CHANNEL_SUICIDE, &message, -1);
	public_tell_suicide();
}

uint32_t brood_id(void)
{
	return self ? self->heritage->id : 0;
}

unsigned brood_slot(void)
{
	return self ? self->heritage->slot : 0;
}

unsigned brood_generation(void)
{
	return self ? self->heritage->generation : 0;
}

const char *brood_model_name(void)
{
	return self ? config_model_name(self->config) : "none";
}

const char *brood_engine_name(void)
{
	return self && self->engine ? engine_name(self->engine->kind) : "none";
}
