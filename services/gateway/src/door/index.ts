export { type Door, openDoor } from './door.ts'
