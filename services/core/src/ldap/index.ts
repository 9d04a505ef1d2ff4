export { ldapRoutes } from './ldap-routes.ts'
export { createLdap } from './ldap-service.ts'
export { createLdapSignIn } from './ldap-sign-in.ts'
