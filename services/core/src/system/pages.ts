import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { berthDocument, harborDocument } from '@berth/api'
import { Router, static as serveStatic } from 'express'
import { escaped, page } from '../page/index.ts'
import { BERTH_VERSION, HARBOR_VERSION } from '../version.ts'

const SWAGGER_UI = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')))
const SWAGGER_FILES = new Set(['/swagger-ui.css', '/swagger-ui-bundle.js', '/swagger-ui-standalone-preset.js'])
const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}
pre{background:#f3f4f6;padding:1rem;overflow:auto}`

/** What a browser finds: the first page, the API documents and their viewer, all from our own files. */
export function pageRoutes(): Router {
  const routes = Router()
  routes.get('/', (req, res) => {
    res.type('html').send(firstPage(req.headers.host ?? 'localhost:8080'))
  })
  routes.get('/style.css', (_req, res) => {
    res.type('css').send(STYLE)
  })
  routes.get('/api/version', (_req, res) => {
    res.json({ version: 'v2.0' })
  })
  routes.get('/api/v2.0/openapi.json', (_req, res) => {
    res.json(harborDocument)
  })
  routes.get('/api/berth/v1/openapi.json', (_req, res) => {
    res.json(berthDocument)
  })
  routes.get('/devcenter-api-2.0', (_req, res) => {
    res.type('html').send(VIEWER)
  })
  routes.get('/devcenter-api-2.0/viewer.js', (_req, res) => {
    res.type('js').send(VIEWER_SCRIPT)
  })
  const files = serveStatic(SWAGGER_UI, { index: false, maxAge: '1h' })
  routes.use('/devcenter-api-2.0', (req, res, next) => {
    if (SWAGGER_FILES.has(req.path)) files(req, res, next)
    else next()
  })
  return routes
}

function firstPage(host: string): string {
  const shown = escaped(host)
  return page(
    'Berth',
    `<h1>Berth ${escaped(BERTH_VERSION)}</h1>
<p>A registry for container images and other artifacts, speaking the API of Harbor (${escaped(HARBOR_VERSION)}).</p>
<h2>The first push</h2>
<pre>docker login ${shown}
docker tag alpine ${shown}/library/alpine
docker push ${shown}/library/alpine</pre>
<h2>The API</h2>
<ul>
<li><a href="/devcenter-api-2.0">Both documents, to read and to try</a></li>
<li><a href="/api/v2.0/openapi.json">/api/v2.0/openapi.json</a>: Harbor's operations</li>
<li><a href="/api/berth/v1/openapi.json">/api/berth/v1/openapi.json</a>: ours</li>
</ul>`,
  )
}

const VIEWER = page(
  'Berth API',
  `<div id="viewer"></div>
<script src="/devcenter-api-2.0/swagger-ui-bundle.js"></script>
<script src="/devcenter-api-2.0/swagger-ui-standalone-preset.js"></script>
<script src="/devcenter-api-2.0/viewer.js"></script>`,
  '<link rel="stylesheet" href="/devcenter-api-2.0/swagger-ui.css">',
)

const VIEWER_SCRIPT = `SwaggerUIBundle({
  dom_id: '#viewer',
  urls: [
    { url: '/api/v2.0/openapi.json', name: 'Harbor API v2.0' },
    { url: '/api/berth/v1/openapi.json', name: 'Berth API v1' },
  ],
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: 'StandaloneLayout',
  validatorUrl: null,
  requestInterceptor: (request) => {
    if (window.csrfToken) request.headers['X-Harbor-CSRF-Token'] = window.csrfToken
    return request
  },
  responseInterceptor: (response) => {
    window.csrfToken = response.headers['x-harbor-csrf-token'] || window.csrfToken
    return response
  },
})
`
