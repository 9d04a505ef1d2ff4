const FIRST_HOUR = 2
const END_HOUR = 5

/** From two to five, by the clock of the machine. */
export function isNight(now: Date): boolean {
  return now.getHours() >= FIRST_HOUR && now.getHours() < END_HOUR
}
