export { berthDocument, harborDocument, type OpenApiDocument } from './documents.ts'
