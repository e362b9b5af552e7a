package jid

// DomainASCII is the form of a prepared domainpart that DNS, TLS and
// certificates use: A-labels in lower case (RFC 5890 §2.3.2.1). What is ASCII
// already, IP addresses among it, stays as it is. The error is ErrDomain.
func DomainASCII(domain string) (string, error) {
	if isASCII(domain) {
		return string(appendLower(nil, domain)), nil
	}
	ascii, err := asciiForm.ToASCII(domain)
	if err != nil {
		return "", ErrDomain
	}
	return ascii, nil
}
