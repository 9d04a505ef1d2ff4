const LOOK = '<link rel="stylesheet" href="/style.css">'

/** A whole page, in our look unless `head` says another one. `body` and what is in it must be escaped already. */
export function page(title: string, body: string, head = LOOK): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
${head}
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`
}

/** Text as it stands in HTML, between tags and in quoted attributes. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}
