const MAX_REDIRECTS = 20
const CSRF_HEADER = 'x-harbor-csrf-token'

/** A page as it came, after all redirects. */
interface OpenedPage {
  url: URL
  status: number
  headers: Headers
  text: string
  /** Every URL on the way, the last one too. */
  way: string[]
}

interface Cookie {
  host: string
  path: string
  name: string
  value: string
}

/** A browser without a window: follows redirects, keeps cookies by host and path, and shows the token Harbor gives. */
export interface HeadlessBrowser {
  /** Opens an address as somebody types it. */
  open(url: string): Promise<OpenedPage>
  /** What a script of a page sends. */
  sendJson(url: string, body: unknown, method?: string): Promise<OpenedPage>
  /** What a form of a page sends. */
  sendForm(url: string, fields: Record<string, string>): Promise<OpenedPage>
  /** Of this host. */
  cookie(host: string, name: string): string | undefined
}

/** For tests. */
export function openHeadlessBrowser(): HeadlessBrowser {
  let cookies: Cookie[] = []
  const tokens = new Map<string, string>()

  function keep(url: URL, headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const path = /;\s*path=([^;]*)/i.exec(line)?.[1] ?? '/'
      const gone = value === '' || /;\s*expires=Thu, 01 Jan 1970/i.test(line)
      cookies = cookies.filter((one) => one.host !== url.host || one.name !== name || one.path !== path)
      if (!gone) cookies.push({ host: url.host, path, name, value })
    }
    const token = headers.get(CSRF_HEADER)
    if (token) tokens.set(url.host, token)
  }

  function cookieHeader(url: URL): Record<string, string> {
    const sent = cookies.filter(({ host, path }) => host === url.host && isBelow(url.pathname, path))
    return sent.length === 0 ? {} : { cookie: sent.map(({ name, value }) => `${name}=${value}`).join('; ') }
  }

  async function go(first: string, init: RequestInit): Promise<OpenedPage> {
    let url = new URL(first)
    let request = init
    const way = [url.href]
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
      const headers = { accept: 'text/html,*/*;q=0.8', ...request.headers, ...cookieHeader(url) }
      const response = await fetch(url, { ...request, headers, redirect: 'manual' })
      keep(url, response.headers)
      const location = response.headers.get('location')
      const text = await response.text()
      if (response.status < 300 || response.status >= 400 || location === null) {
        return { url, status: response.status, headers: response.headers, text, way }
      }
      url = new URL(location, url)
      way.push(url.href)
      request = {}
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects: ${way.join(' ')}`)
  }

  return {
    open: (url) => go(url, {}),
    sendJson: (url, body, method = 'POST') => {
      const token = tokens.get(new URL(url).host)
      const headers = {
        accept: '*/*',
        'content-type': 'application/json',
        ...(token === undefined ? {} : { [CSRF_HEADER]: token }),
      }
      return go(url, { method, headers, body: JSON.stringify(body) })
    },
    sendForm: (url, fields) => go(url, { method: 'POST', body: new URLSearchParams(fields) }),
    cookie: (host, name) => cookies.find((one) => one.host === host && one.name === name)?.value,
  }
}

function isBelow(path: string, of: string): boolean {
  return path === of || path.startsWith(of.endsWith('/') ? of : `${of}/`)
}
