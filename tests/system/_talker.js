// SPDX-License-Identifier: MIT
// The same as _talker.py, in JavaScript; without descriptors.
"use strict";
const path = require("node:path");
const channel = require(path.join(__dirname, "../../tools/clients/brood.js")).open();
const print = (event) => console.log(`slot ${channel.slot} hears ${JSON.stringify(event)}`);

for (const name of ["returned", "suicide", "disconnect"])
	channel.on(name, print);
channel.on("message", (message, event) => print(event));
const server = require("node:http").createServer((request, response) => {
	const url = new URL(request.url, "http://localhost");

	if (url.pathname === "/send")
		for (let i = Number(url.searchParams.get("n") || 1); i > 0; i--)
			channel.send(JSON.parse(url.searchParams.get("to")),
				     "x".repeat(url.searchParams.get("large") || 0) || JSON.parse(url.searchParams.get("message")));
	if (url.pathname === "/garbage")
		channel.socket.write("\xff\xff\xff\xff no frame", "latin1");
	response.end(JSON.stringify({ slot: channel.slot, id: channel.id }));
	if (url.pathname === "/retire")
		channel.retire("asked to");
});
server.listen({ fd: 3 });
process.on("SIGTERM", () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
