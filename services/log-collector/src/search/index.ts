export { createLogSearch, type LogSearch } from './search-service.ts'
