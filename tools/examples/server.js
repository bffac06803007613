// SPDX-License-Identifier: MIT
// server.js - a Node service as a worker: brood run --listen :8080 -- node tools/examples/server.js
//
// Its listening socket is descriptor 3. On SIGTERM it accepts no more, answers what comes on the connections it has with
// "Connection: close", and closes those that are idle. net's close() is used, not http's, because that one closes idle
// connections at once, and a request that is on its way on one of them would be lost.
'use strict';
const http = require('http');
const net = require('net');

const slot = process.env.BROOD_SLOT, generation = process.env.BROOD_GENERATION;
let leaving = false;

const server = http.createServer((request, response) => {
	if (leaving)
		response.setHeader('Connection', 'close');
	response.setHeader('Content-Type', 'text/plain');
	if (request.url !== '/echo')
		return response.end(`Hello from slot ${slot}, generation ${generation}, pid ${process.pid}\n`);
	if (request.headers['content-length'])
		response.setHeader('Content-Length', request.headers['content-length']);
	request.pipe(response);
});

server.listen({ fd: 3 });
process.on('SIGTERM', () => {
	leaving = true;
	net.Server.prototype.close.call(server, () => process.exit(0));
	setInterval(() => server.closeIdleConnections(), 1000);
});
