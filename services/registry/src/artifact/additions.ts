/** What a reader gets at most; an answer on the wire must stay below 1 MiB. */
export const MAX_ADDITION_BYTES = 512 * 1024

export interface Addition {
  /** `text/markdown; charset=utf-8` */
  contentType: string
  bytes: Buffer
}

export interface Additions {
  /**
   * Reads what an artifact carries beside its layers.
   *
   * @param name as in {@link additionsOf}, in any case
   * @throws {BadRequest} artifacts of this kind have no such addition
   * @throws {NotFound} no such artifact, or it carries none
   * @throws {AdditionTooLarge} more than {@link MAX_ADDITION_BYTES}
   */
  read(repositoryId: number, digest: string, name: string): Promise<Addition>
}
