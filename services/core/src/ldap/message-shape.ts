/** An element of BER: `start` and `end` are those of its content. */
interface Element {
  tag: number
  start: number
  end: number
}

const INTEGER = 0x02
const TEXT = 0x04
const BOOLEAN = 0x01
const ENUMERATED = 0x0a
const SEQUENCE = 0x30
const SET = 0x31
const CONTROLS = 0xa0
const BIND_RESPONSE = 0x61
const SEARCH_ENTRY = 0x64
const SEARCH_DONE = 0x65
const SEARCH_REFERENCE = 0x73
const EXTENDED_RESPONSE = 0x78
const CONTEXT = 0x80

/** How many bytes the message at the start has with its head; `undefined`: not known yet; NaN: none of LDAP's. */
export function messageBytes(bytes: Buffer): number | undefined {
  const [tag, first] = bytes
  if (tag !== undefined && tag !== SEQUENCE) return Number.NaN
  if (first === undefined) return undefined
  if (first < 0x80) return 2 + first
  const lengthBytes = first & 0x7f
  if (lengthBytes < 1 || lengthBytes > 4) return Number.NaN
  return bytes.length < 2 + lengthBytes ? undefined : 2 + lengthBytes + bytes.readUIntBE(2, lengthBytes)
}

/**
 * Whether this is an answer of a directory, whole and down to each value. The library believes the lengths inside: one
 * that lies sends it round for ever.
 *
 * @see RFC 4511, appendix B
 */
export function isAnswer(bytes: Buffer): boolean {
  const [whole, ...rest] = elements(bytes, 0, bytes.length)
  if (whole?.tag !== SEQUENCE || rest.length > 0) return false
  const [id, answer, controls, ...more] = within(bytes, whole)
  if (!isNumber(id) || id.tag !== INTEGER || answer === undefined || more.length > 0) return false
  return isBody(bytes, answer) && (controls === undefined || areControls(bytes, controls))
}

function isBody(bytes: Buffer, answer: Element): boolean {
  const parts = within(bytes, answer)
  switch (answer.tag) {
    case SEARCH_ENTRY: {
      const [name, attributes, ...more] = parts
      return (
        name?.tag === TEXT &&
        attributes?.tag === SEQUENCE &&
        more.length === 0 &&
        isFilled(bytes, attributes) &&
        within(bytes, attributes).every((one) => isAttribute(bytes, one))
      )
    }
    case SEARCH_REFERENCE:
      return parts.length > 0 && parts.every(({ tag }) => tag === TEXT)
    case BIND_RESPONSE:
    case SEARCH_DONE:
    case EXTENDED_RESPONSE: {
      const [code, matched, text, ...more] = parts
      const isResult = isNumber(code) && code.tag === ENUMERATED && matched?.tag === TEXT && text?.tag === TEXT
      return isResult && more.every(({ tag }) => tag >= CONTEXT)
    }
    default:
      return false
  }
}

function isAttribute(bytes: Buffer, attribute: Element): boolean {
  const [type, values, ...more] = within(bytes, attribute)
  if (attribute.tag !== SEQUENCE || type?.tag !== TEXT || values?.tag !== SET || more.length > 0) return false
  return isFilled(bytes, values) && within(bytes, values).every(({ tag }) => tag === TEXT)
}

function areControls(bytes: Buffer, controls: Element): boolean {
  if (controls.tag !== CONTROLS || !isFilled(bytes, controls)) return false
  return within(bytes, controls).every((control) => {
    const [type, ...more] = within(bytes, control)
    const kinds = more.map(({ tag }) => tag).join()
    return control.tag === SEQUENCE && type?.tag === TEXT && CONTROL_PARTS.has(kinds)
  })
}

/** What a control has behind its type: whether it is critical, its value, both or none. */
const CONTROL_PARTS = new Set(['', `${BOOLEAN}`, `${TEXT}`, `${BOOLEAN},${TEXT}`])

function isNumber(element: Element | undefined): element is Element {
  return element !== undefined && element.end - element.start >= 1 && element.end - element.start <= 4
}

function within(bytes: Buffer, { start, end }: Element): Element[] {
  return elements(bytes, start, end)
}

/** Whether it has nothing in it, or elements to its very end. */
function isFilled(bytes: Buffer, element: Element): boolean {
  return element.start === element.end || within(bytes, element).length > 0
}

/** The elements one after another from `start` to `end`; none at all if they do not end there. */
function elements(bytes: Buffer, start: number, end: number): Element[] {
  const found: Element[] = []
  for (let at = start; at < end; ) {
    const [tag = 0, first = 0] = bytes.subarray(at, at + 2)
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    const begin = at + 2 + lengthBytes
    if ((tag & 0x1f) === 0x1f || first === 0x80 || lengthBytes > 4 || begin > end) return []
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes)
    if (begin + length > end) return []
    found.push({ tag, start: begin, end: begin + length })
    at = begin + length
  }
  return found
}
