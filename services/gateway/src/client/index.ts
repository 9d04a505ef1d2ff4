export { countedAs, findNetwork, type Network } from './addresses.ts'
export { type Client, clientOf, type ExternalUrl, forwardedHeaders } from './client.ts'
