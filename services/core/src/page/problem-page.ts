import { escaped, page } from './page.ts'

/** What somebody sees whom the provider did not sign in. */
export function problemPage({ message }: { message: string }): string {
  return page(
    'Signing in did not work',
    `<h1>Signing in did not work</h1>
<p role="alert">${escaped(message)}.</p>
<p><a href="/c/oidc/login">Sign in again</a> or go to the <a href="/">first page</a>.</p>`,
  )
}
