export { type SignInElsewhere, sessionRoutes } from './session-routes.ts'
export { createSessionSignIn, type SessionSignIn } from './session-sign-in.ts'
export { startSessionSweep } from './session-sweep.ts'
