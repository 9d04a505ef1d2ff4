/** For tests: the body that makes a user of this name, whose password is `Password1`. */
export const person = (username: string, more: object = {}) => ({
  username,
  email: `${username}@x.org`,
  realname: username,
  password: 'Password1',
  ...more,
})
