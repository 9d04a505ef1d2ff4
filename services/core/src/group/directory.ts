import type { Caller } from '../caller/caller.ts'

/** What members and groups want to know of the directory people sign in with. */
export interface Directory {
  /** Whether people sign in with one just now. */
  isActive(): boolean
  /**
   * The group of this distinguished name, which is in normal form.
   *
   * @throws {Unavailable} the directory cannot be asked
   */
  findGroup(dn: string): Promise<{ name: string; dn: string } | undefined>
  /**
   * The user somebody of the directory is, made if they were never here.
   *
   * @throws {Conflict} somebody else has the name
   * @throws {Unavailable} the directory cannot be asked
   */
  onboard(by: Caller, username: string): Promise<{ id: number; username: string } | undefined>
}
