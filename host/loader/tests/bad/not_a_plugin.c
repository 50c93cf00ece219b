/* A library without the one function that matters. */
int something_else(void);

int something_else(void) { return 7; }
