export { ONBOARD_SCRIPT, onboardPage } from './onboard-page.ts'
export { escaped, page } from './page.ts'
export { problemPage } from './problem-page.ts'
