import { escaped, page } from './page.ts'

/** Where somebody who is here for the first time chooses a user name. */
export function onboardPage(facts: { username: string; returnTo: string; csrfToken: string }): string {
  const { username, returnTo, csrfToken } = facts
  return page(
    'Choose a user name',
    `<h1>Choose a user name</h1>
<p>You are here for the first time. This is the name you will have here, and sign in with from docker and other
programs. It cannot be changed later.</p>
<form id="onboard" data-csrf-token="${escaped(csrfToken)}" data-return-to="${escaped(returnTo)}">
<p><label for="username">User name</label><br>
<input id="username" name="username" value="${escaped(username)}" required maxlength="255" autocomplete="username"
  spellcheck="false" aria-describedby="rule problem" autofocus></p>
<p id="rule">1 to 255 characters, without , &#34; ~ # % $</p>
<p id="problem" role="alert"></p>
<p><button type="submit">Sign in</button></p>
</form>
<noscript><p>This page needs JavaScript.</p></noscript>
<script src="/c/oidc/onboard.js"></script>`,
  )
}

/** Sends the name with the token against forged requests, which a form alone cannot. */
export const ONBOARD_SCRIPT = `const form = document.getElementById('onboard')
const problem = document.getElementById('problem')
const button = form.querySelector('button')

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  problem.textContent = ''
  button.disabled = true
  try {
    const answer = await fetch('/c/oidc/onboard', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Harbor-CSRF-Token': form.dataset.csrfToken },
      body: JSON.stringify({ username: form.elements.username.value }),
    })
    if (answer.ok) return location.assign(form.dataset.returnTo)
    const { errors } = await answer.json()
    problem.textContent = errors.map((error) => error.message).join('; ')
  } catch {
    problem.textContent = 'The registry cannot be reached.'
  }
  button.disabled = false
})
`
