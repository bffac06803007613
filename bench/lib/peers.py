# SPDX-License-Identifier: MIT
"""The others on the field: null servers, nginx, Node's cluster, HAProxy, h2o, a proxy before brood."""
import os
import shutil

from lib.server import HOST, CannotRun, Group, Server

NGINX_CONF = """\
{user}worker_processes {workers};
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 4096;{events} }}
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
		listen {host}:{port} backlog={backlog}{reuseport};
		{serve}
	}}
}}
"""

# The same server twice: as a worker of Node's cluster, and on descriptor 3, as a worker of brood run. USR2 has the
# cluster replace its workers as brood does: a new one first, then the old one closes and finishes.
NODE_JS = """\
const cluster = require('cluster');
const http = require('http');
const net = require('net');
const [port, workers, policy, backlog] = process.argv.slice(2);
let leaving = false;
function answer(response, body) {
	const head = { 'Content-Type': 'text/plain', 'Content-Length': body.length };
	if (leaving)
		head.Connection = 'close';
	response.writeHead(200, head);
	response.end(body);
}
function spin(ms) {
	for (const end = performance.now() + ms; performance.now() < end;);
}
function serve(where) {
	const server = http.createServer((request, response) => {
		if (request.url === '/')
			return answer(response, 'Hello, world!\\n');
		const [path, ms] = request.url.split('?ms=');
		if (path === '/sleep')
			return setTimeout(() => answer(response, 'slept\\n'), Number(ms));
		if (path === '/spin')
			spin(Number(ms));
		answer(response, `{"pid":${process.pid}}\\n`);
	});
	server.keepAliveTimeout = 75000;
	return server.listen({ ...where, backlog: Number(backlog) });
}
function replace(old) {
	if (old.length > 0)
		cluster.fork().on('listening', () => {
			old[0].send('leave');
			replace(old.slice(1));
		});
	else
		console.log('replaced');
}
if (process.env.LISTEN_FDS) {
	const server = serve({ fd: 3 });
	process.on('SIGTERM', () => {
		leaving = true;
		net.Server.prototype.close.call(server, () => process.exit(0));
		setInterval(() => server.closeIdleConnections(), 1000);
	});
} else if (cluster.isPrimary) {
	if (policy) cluster.schedulingPolicy = policy === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
	for (let i = 0; i < Number(workers); i++) cluster.fork();
	cluster.on('exit', (worker) => worker.exitedAfterDisconnect || cluster.fork());
	process.on('SIGUSR2', () => replace(Object.values(cluster.workers)));
	process.on('SIGTERM', () => process.exit(0));
} else {
	serve({ port: Number(port), host: '127.0.0.1' });
	process.on('message', () => {
		leaving = true;
		cluster.worker.disconnect();
	});
}
"""

HAPROXY_CFG = """\
global
	maxconn 8000
	nbthread {workers}
defaults
	mode http
	timeout client 75s
	timeout connect 5s
	timeout server 75s
	timeout http-keep-alive 75s
frontend text
	bind {host}:{port} backlog {backlog}
	http-request return status 200 content-type text/plain string "Hello, world!\\n"
"""

H2O_CONF = """\
{user}listen:
  host: {host}
  port: {port}
num-threads: {workers}
max-connections: 20000
http1-request-timeout: 75
error-log: {dir}/error.log
pid-file: {dir}/h2o.pid
hosts:
  default:
    paths:
      /:
        file.dir: {directory}
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


def write_config(directory, name, text):
    """Its path; the directory is made."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def nginx(workdir, port, cpu, directory=None, sendfile="on", nopush="on", workers=1, listen=None, backlog=4096):
    """listen: None for nginx's own defaults, "reuseport", or "shared": one socket, accept_mutex off."""
    path = find("nginx", "nginx-light")
    home = os.path.join(workdir, f"nginx-{port}")
    serve = f"root {directory};" if directory else \
        'location / { return 200 "Hello, world!\\n"; } location /whoami { return 200 "pid:$pid\\n"; }'
    text = NGINX_CONF.format(
        user="user root;\n" if os.getuid() == 0 else "", dir=home, host=HOST, port=port, sendfile=sendfile,
        nopush=nopush, workers=workers, backlog=backlog, serve=serve,
        events=" accept_mutex off;" if listen == "shared" else "",
        reuseport=" reuseport" if listen == "reuseport" else "")
    conf = write_config(home, "nginx.conf", text)
    return Server("nginx", [path, "-p", home, "-e", f"{home}/error.log", "-c", conf], port, cpu, text)


def node(workdir, port, cpu, workers=1, policy="", backlog=4096):
    """policy: "rr", "none", or "" for the default."""
    path = find("node", "nodejs")
    script = write_config(workdir, f"node-{port}.js", NODE_JS)
    return Server("node cluster", [path, script, port, workers, policy, backlog], port, cpu, NODE_JS)


def node_behind_brood(brood, workdir, port, cpu, workers=1, backlog=4096):
    """The same program as every worker of brood run."""
    path = find("node", "nodejs")
    script = write_config(workdir, f"node-{port}.js", NODE_JS)
    argv = [brood, "run", "--listen", f"{HOST}:{port}", "--workers", workers, "--backlog", backlog, "--control", "off"]
    return Server("node behind brood", [*argv, "--", path, script, port, workers, "run", backlog], port, cpu, NODE_JS)


def haproxy(workdir, port, cpu, workers=1, backlog=2048):
    path = find("haproxy", "haproxy")
    text = HAPROXY_CFG.format(host=HOST, port=port, workers=workers, backlog=backlog)
    conf = write_config(workdir, f"haproxy-{port}.cfg", text)
    return Server("haproxy", [path, "-db", "-f", conf], port, cpu, text)


def h2o(workdir, port, cpu, directory, workers=1):
    path = find("h2o", "h2o")
    home = os.path.join(workdir, f"h2o-{port}")
    text = H2O_CONF.format(user="user: root\n" if os.getuid() == 0 else "", dir=home, host=HOST, port=port,
                           workers=workers, directory=directory)
    return Server("h2o", [path, "-m", "worker", "-c", write_config(home, "h2o.conf", text)], port, cpu, text)


def proxy(build, port, cpu, backends):
    """backends: servers of one worker each, started and stopped with it."""
    path = os.path.join(build, "proxy")
    if not os.path.exists(path):
        raise CannotRun(f"missing: {path} (make bench builds it)")
    ports = ",".join(str(server.port) for server in backends)
    return Group(Server("proxy", [path, "--port", port, "--workers", ports], port, cpu), backends)
