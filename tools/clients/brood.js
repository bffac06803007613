// SPDX-License-Identifier: MIT
// Messages between the workers of `brood run`, for programs in JavaScript (Node 16 or later); needs nothing else.
//
//	const channel = require("./brood.js").open();
//	channel.send({ slot: 1 }, { any: "JSON" });		// or { id: 3 }, "parent", "all", "others"
//	channel.on("message", (message, event) => console.log(event.id, event.slot, message));
//
// Events: hello, message, returned, suicide, disconnect; what is in them is told in brood_message(3). Descriptors that
// come with a message are closed, because Node has no way to take them: event.handle says that there was one.
"use strict";
const { EventEmitter } = require("node:events");
const net = require("node:net");

const FRAME_MOST = 1 << 20;

class Channel extends EventEmitter {
	constructor(fd) {
		super();
		this.id = this.slot = this.generation = undefined;	// known from "hello" on
		this.sent = 0;
		this.bytes = Buffer.alloc(0);
		this.socket = new net.Socket({ fd, readable: true, writable: true });
		this.socket.on("data", (data) => this.#hear(data));
		this.socket.on("error", () => {});
		this.socket.on("close", () => this.emit("close"));
		this.#put({ do: "hello" });
	}

	// The number of the message, which "returned" speaks of. What there is no room for waits in memory: see writableLength.
	send(to, message) {
		this.#put({ do: "send", to, message: message === undefined ? null : message });
		return ++this.sent;
	}

	// This worker is to be replaced.
	retire(reason = "asked to") {
		this.#put({ do: "retire", reason });
	}

	get writableLength() {
		return this.socket.writableLength;
	}

	// Without this the channel keeps the program running.
	unref() {
		this.socket.unref();
		return this;
	}

	close() {
		this.socket.destroy();
	}

	#put(frame) {
		const text = Buffer.from(JSON.stringify(frame));
		const head = Buffer.alloc(4);

		if (text.length > FRAME_MOST)
			throw new RangeError("a frame has at most 1 MiB");
		head.writeUInt32BE(text.length);
		this.socket.write(Buffer.concat([head, text]));
	}

	#hear(data) {
		let at = 0;

		this.bytes = this.bytes.length ? Buffer.concat([this.bytes, data]) : data;
		while (this.bytes.length - at >= 4) {
			const end = at + 4 + this.bytes.readUInt32BE(at);

			if (this.bytes.length < end)
				break;
			this.#tell(JSON.parse(this.bytes.toString("utf8", at + 4, end)));
			at = end;
		}
		this.bytes = this.bytes.subarray(at);
	}

	#tell(event) {
		if (event.event === "hello")
			Object.assign(this, { id: event.id, slot: event.slot, generation: event.generation });
		if (event.event === "message")
			this.emit("message", event.message, event);
		else
			this.emit(event.event, event);
	}
}

exports.Channel = Channel;
exports.open = (fd = process.env.BROOD_CHANNEL_FD) => {
	if (fd === undefined)
		throw new Error("BROOD_CHANNEL_FD is not set: this is no worker of brood run");
	return new Channel(Number(fd));
};
