package parser

// Window is how much input is classified at once.
const Window = window
