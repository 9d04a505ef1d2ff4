import { BadRequest } from '@berth/errors'

/** A mark people put on artifacts; of one project, or of the whole suite. */
export interface Label {
  id: number
  name: string
  description: string
  color: string
  /** Absent: of the whole suite. */
  projectId?: number
  createdAt: Date
  updatedAt: Date
}

/** What a person says of a label. */
export interface LabelText {
  name: string
  description: string
  color: string
}

const MAX_NAME = 128
const MAX_DESCRIPTION = 1_024
/** `#0065AB`, or a word. */
const COLOR = /^(?:#?[0-9A-Za-z]{1,15})?$/
const CONTROL = /\p{C}/u

/** @throws {BadRequest} no name, one of over 128 characters, a control character, or what is no colour */
export function parseLabel(raw: { name?: string; description?: string; color?: string }): LabelText {
  const name = (raw.name ?? '').trim()
  const { description = '', color = '' } = raw
  if (name === '' || name.length > MAX_NAME || CONTROL.test(name)) {
    throw new BadRequest(`the name of a label must have 1 to ${MAX_NAME} characters that can be printed`)
  }
  if (description.length > MAX_DESCRIPTION) {
    throw new BadRequest(`the description of a label has at most ${MAX_DESCRIPTION} characters`)
  }
  if (!COLOR.test(color)) throw new BadRequest('the color of a label must read like #0065AB')
  return { name, description, color }
}

/** A label as the API shows it: scope `g` is the whole suite, `p` a project. */
export function toLabelBody(label: Label): Record<string, unknown> {
  return {
    id: label.id,
    name: label.name,
    description: label.description,
    color: label.color,
    scope: label.projectId === undefined ? 'g' : 'p',
    project_id: label.projectId ?? 0,
    creation_time: label.createdAt.toISOString(),
    update_time: label.updatedAt.toISOString(),
  }
}
