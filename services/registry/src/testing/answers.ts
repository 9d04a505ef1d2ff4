/** Status, code and message of a refusal, to be compared at once. */
export async function refusalOf(response: Response): Promise<[status: number, code: string, message: string]> {
  const body = (await response.json()) as { errors: { code: string; message: string }[] }
  return [response.status, body.errors[0]?.code ?? '', body.errors[0]?.message ?? '']
}
