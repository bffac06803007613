// SPDX-License-Identifier: MIT
// What Node's llhttp, strict, makes of inputs: the protocol of request_verdicts.c.
// A refusal is printed as llhttp's own code; "upgrade" when it stopped there on purpose.
'use strict';

process.noDeprecation = true;
const { HTTPParser } = process.binding('http_parser');
const fs = require('fs');

const parser = new HTTPParser();
let messages, targetBytes, bodyBytes, upgraded, inHead;

parser[HTTPParser.kOnMessageBegin] = function () {
	inHead = true;
};
// Many fields come in portions, the first with the target; trailers come this way too.
parser[HTTPParser.kOnHeaders] = function (headers, url) {
	targetBytes += inHead ? url.length : 0;
};
parser[HTTPParser.kOnHeadersComplete] = function (major, minor, headers, method, url, status, reason,
						  upgrade) {
	messages++;
	targetBytes += url === undefined ? 0 : url.length;
	upgraded = upgrade;
	inHead = false;
	return 0;
};
parser[HTTPParser.kOnBody] = function (body) {
	bodyBytes += body.length;
};

function verdict(input) {
	messages = targetBytes = bodyBytes = 0;
	upgraded = false;
	parser.initialize(HTTPParser.REQUEST, {}, 0, HTTPParser.kLenientNone);
	const result = parser.execute(input);
	if (result instanceof Error)
		return result.code;
	return upgraded ? 'upgrade' : 'ok';
}

const all = fs.readFileSync(0);
const lines = [];
for (let at = 0; at + 4 <= all.length;) {
	const length = all.readUInt32LE(at);
	const result = verdict(all.subarray(at + 4, at + 4 + length));
	lines.push(`${result} ${messages} ${targetBytes} ${bodyBytes}`);
	at += 4 + length;
}
fs.writeFileSync(1, lines.join('\n') + (lines.length ? '\n' : ''));
