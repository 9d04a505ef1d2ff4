import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tools } from '../../tools/install.ts'
import { descendants } from '../proc.ts'
import { runOk, startDaemon, until } from '../process.ts'
import { freePort } from '../scratch.ts'
import type { Peer } from './peer.ts'

export interface NginxWish {
  /** Where everything is passed to. */
  upstream: string
  /** Ends TLS with a certificate made for 127.0.0.1 and tells X-Forwarded-Proto. */
  tls?: boolean
}

/** Debian's nginx in front of `upstream`: streams without limit, with the buffers of docs/benchmarks.md. */
export async function startNginx(tools: Tools, home: string, wish: NginxWish): Promise<Peer> {
  const directory = join(home, 'nginx')
  await mkdir(join(directory, 'tmp'), { recursive: true })
  const port = await freePort()
  const at = (name: string): string => join(directory, name)
  if (wish.tls) {
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('key.pem')]
    await runOk('openssl', ['req', '-x509', '-days', '2', ...subject, ...key, '-out', at('cert.pem')], {
      env: tools.env,
    })
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  await writeFile(
    at('nginx.conf'),
    `daemon off;
master_process on;
worker_processes auto;
pid ${at('nginx.pid')};
error_log stderr warn;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${at(`tmp/${name}`)};`).join('\n  ')}
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  upstream behind {
    server ${new URL(wish.upstream).host};
    keepalive 64;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port}${wish.tls ? ' ssl' : ''};
    ${wish.tls ? `ssl_certificate ${at('cert.pem')};\n    ssl_certificate_key ${at('key.pem')};` : ''}
    client_max_body_size 0;
    chunked_transfer_encoding on;
    location / {
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_request_buffering off;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_max_temp_file_size 0;
      proxy_read_timeout 900;
      proxy_send_timeout 900;
    }
  }
}
`,
  )
  const daemon = startDaemon('nginx', ['-p', directory, '-c', at('nginx.conf')], {
    env: tools.env,
    logFile: at('log'),
  })
  await until('nginx to listen', 15_000, async () => {
    if (!daemon.running()) throw new Error(`nginx left:\n${await daemon.log()}`)
    return (await descendants(daemon.pid)).length > 0
  })
  return {
    url: `${wish.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    pids: async () => {
      const workers = await descendants(daemon.pid)
      return [{ pid: daemon.pid }, ...workers].map(({ pid }) => ({ name: 'nginx', pid }))
    },
    stop: () => daemon.stop(),
  }
}
