# SPDX-License-Identifier: MIT
"""The others on the field: null servers, nginx, Node's cluster; each with one worker."""
import os
import shutil

from server import HOST, CannotRun, Server

NGINX_CONF = """\
{user}worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	default_type text/plain;
	keepalive_requests 1000000000;
	keepalive_timeout 75s;
	sendfile {sendfile};
	tcp_nopush {nopush};
	tcp_nodelay on;
	open_file_cache max=1000 inactive=600s;
	open_file_cache_valid 60s;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	server {{
		listen {host}:{port} backlog=4096;
		{serve}
	}}
}}
"""

NODE_JS = """\
const cluster = require('cluster');
const http = require('http');
if (cluster.isPrimary) {
	cluster.fork();
	process.on('SIGTERM', () => process.exit(0));
} else {
	const server = http.createServer((request, response) => {
		response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 14 });
		response.end('Hello, world!\\n');
	});
	server.keepAliveTimeout = 75000;
	server.listen(Number(process.argv[2]), '127.0.0.1', 4096);
}
"""


def find(program, package):
    """Its path, /usr/sbin included, which an ordinary user's PATH lacks."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise CannotRun(f"missing: apt install {package}")
    return path


def null_server(build, kind, port, cpu, *options):
    path = os.path.join(build, f"null_{kind}")
    if not os.path.exists(path):
        raise CannotRun(f"missing: {path} (make bench-quick builds it)")
    return Server(f"null_{kind}", [path, "--port", port, *options], port, cpu)


def nginx(workdir, port, cpu, directory=None, sendfile="on", nopush="on"):
    path = find("nginx", "nginx-light")
    home = os.path.join(workdir, f"nginx-{port}")
    os.mkdir(home)
    conf = os.path.join(home, "nginx.conf")
    with open(conf, "w") as f:
        f.write(NGINX_CONF.format(
            user="user root;\n" if os.getuid() == 0 else "", dir=home, host=HOST, port=port,
            sendfile=sendfile, nopush=nopush,
            serve=f"root {directory};" if directory else 'location / { return 200 "Hello, world!\\n"; }'))
    return Server("nginx", [path, "-p", home, "-e", f"{home}/error.log", "-c", conf], port, cpu)


def node(workdir, port, cpu):
    path = find("node", "nodejs")
    script = os.path.join(workdir, f"node-{port}.js")
    with open(script, "w") as f:
        f.write(NODE_JS)
    return Server("node cluster", [path, script, port], port, cpu)
