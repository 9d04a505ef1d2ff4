export { accessTokenRoutes } from './access-token-routes.ts'
export { createAccessTokens } from './access-token-service.ts'
export { createAccessTokenSignIn } from './access-token-sign-in.ts'
export { accessTokenStore } from './access-token-store.ts'
