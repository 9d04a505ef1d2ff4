export { type CopyParts, copyArtifact } from './copy-artifact.ts'
