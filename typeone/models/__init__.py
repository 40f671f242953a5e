"""Networks: the supervised VAE, the classifiers it attacks and the judges that see neither."""
