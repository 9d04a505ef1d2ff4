export { adoptCommand } from './adopt-command.ts'
