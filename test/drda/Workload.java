import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Time;
import java.sql.Timestamp;
import java.sql.Types;
import javax.sql.PooledConnection;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;
import org.apache.derby.jdbc.ClientConnectionPoolDataSource;
import org.apache.derby.jdbc.ClientXADataSource;

/** A client of Derby's network server: one scenario or all, `rounds` times. Arguments: port, scenario, rounds. */
public class Workload {
  static String url;

  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[0]);
    String scenario = arguments[1];
    int rounds = Integer.parseInt(arguments[2]);
    url = "jdbc:derby://127.0.0.1:" + port + "/lab;create=true";
    boolean all = scenario.equals("all");
    if (all || scenario.equals("types")) types();
    if (all || scenario.equals("volume")) volume(rounds);
    if (all || scenario.equals("transactions")) transactions();
    if (all || scenario.equals("errors")) errors();
    if (all || scenario.equals("queries")) queries();
    if (all || scenario.equals("pooled")) pooled(port);
    if (all || scenario.equals("xa")) xa(port);
    if (all || scenario.equals("login-failure")) loginFailure(port);
    if (scenario.equals("login-failure")) wrongPassword();
  }

  /** Each connection is announced when it is made, or refused: the server's log names no users. */
  static Connection connect(String user) throws SQLException {
    return announced(user, DriverManager.getConnection(url, user, "s3cret-" + user));
  }

  static <T> T announced(String user, T connection) {
    System.out.println(user);
    return connection;
  }

  static void refused(String connectionUrl) {
    try {
      DriverManager.getConnection(connectionUrl, "mallory", "s3cret-guess").close();
    } catch (SQLException expected) {
      System.out.println("mallory " + expected.getSQLState());
    }
  }

  static void types() throws SQLException {
    try (Connection c = connect("alice")) {
      c.createStatement().execute("create table kinds (i int, s smallint, b bigint, r real, d double, n decimal(31,5), "
        + "c char(5), v varchar(50), dt date, tm time, ts timestamp, bo boolean, vb varchar(10) for bit data, "
        + "cb char(4) for bit data, lv long varchar, cl clob, bl blob)");
      String insert = "insert into kinds values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
      try (PreparedStatement p = c.prepareStatement(insert)) {
        for (int k = 0; k < 3; k++) {
          int size = k == 2 ? 40000 : 10;
          p.setInt(1, Integer.MIN_VALUE + k);
          p.setShort(2, (short) -7);
          p.setLong(3, Long.MAX_VALUE - k);
          p.setFloat(4, 1.1f);
          p.setDouble(5, -2.25e-300);
          p.setBigDecimal(6, new BigDecimal("-12345678901234567890.12345"));
          p.setString(7, "ab");
          p.setString(8, "grüße \u65e5\u672c \ud83d\ude00");
          p.setDate(9, Date.valueOf("2024-02-29"));
          p.setTime(10, Time.valueOf("23:59:58"));
          p.setTimestamp(11, Timestamp.valueOf("2024-02-29 12:34:56.789012345"));
          p.setBoolean(12, true);
          p.setBytes(13, new byte[] {1, 2, (byte) 0xff});
          p.setBytes(14, new byte[] {9, 8, 7, 6});
          p.setString(15, "long");
          p.setCharacterStream(16, new StringReader("\u00e9".repeat(size)), size);
          p.setBinaryStream(17, new ByteArrayInputStream(new byte[size]), size);
          p.executeUpdate();
        }
        for (int k = 1; k <= 17; k++) p.setNull(k, p.getParameterMetaData().getParameterType(k));
        p.executeUpdate();
      }
      c.setAutoCommit(false);
      try (PreparedStatement q = c.prepareStatement("select i, v, n, ts from kinds where s = ? or i is null")) {
        q.setShort(1, (short) -7);
        drain(q.executeQuery());
      }
      try (Statement large = c.createStatement(); ResultSet rows = large.executeQuery("select cl, bl from kinds")) {
        while (rows.next()) {
          rows.getString(1);
          rows.getBytes(2);
        }
      }
      try (CallableStatement call = c.prepareCall("{? = call syscs_util.syscs_get_database_property(?)}")) {
        call.registerOutParameter(1, Types.VARCHAR);
        call.setString(2, "derby.storage.pageSize");
        call.execute();
        call.getString(1);
      }
      c.commit();
    }
  }

  static void volume(int rounds) throws SQLException {
    try (Connection c = connect("bob")) {
      try (Statement s = c.createStatement()) {
        s.execute("create table orders (id int primary key, item varchar(60), price decimal(10,2), weight double)");
      }
      c.setAutoCommit(false);
      PreparedStatement insert = c.prepareStatement("insert into orders values (?, ?, ?, ?)");
      PreparedStatement select = c.prepareStatement("select item, price from orders where id between ? and ?");
      for (int k = 0; k < rounds; k++) {
        insert.setInt(1, k);
        insert.setString(2, "item " + k + " \u20ac");
        insert.setBigDecimal(3, new BigDecimal(k).movePointLeft(2));
        insert.setDouble(4, k / 4.0);
        if (k % 3 == 0) insert.executeUpdate();
        else insert.addBatch();
        if (k % 3 == 2 && k % 60 > 57) insert.executeBatch();
        if (k % 5 == 0) {
          select.setInt(1, k - 10);
          select.setInt(2, k);
          drain(select.executeQuery());
        }
        if (k % 7 == 0) {
          try (Statement s = c.createStatement()) {
            s.executeUpdate("update orders set weight = weight + 1 where id = " + k);
          }
        }
        if (k % 100 == 99) {
          insert.executeBatch();
          c.commit();
        }
      }
      insert.executeBatch();
      c.commit();
    }
  }

  static void transactions() throws SQLException {
    try (Connection c = connect("carol")) {
      try (Statement s = c.createStatement()) {
        s.execute("create table accounts (id int, balance int)");
        c.setAutoCommit(false);
        s.addBatch("insert into accounts values (1, 100)");
        s.addBatch("insert into accounts values (2, 200)");
        s.executeBatch();
        c.commit();
        s.executeUpdate("update accounts set balance = balance - 10 where id = 1");
        c.rollback();
        s.executeUpdate("delete from accounts where id = 3");
        c.commit();
      }
    }
  }

  static void errors() throws SQLException {
    try (Connection c = connect("dave")) {
      c.createStatement().execute("create table unique_ids (id int primary key)");
      c.createStatement().executeUpdate("insert into unique_ids values (0), (1)");
      fails(c, "select * from nowhere");
      fails(c, "insert into unique_ids values (1)");
      fails(c, "insert into unique_ids (nope) values (1)");
      fails(c, "selec 1");
      fails(c, "select 1 / id from unique_ids");
      try (PreparedStatement p = c.prepareStatement("insert into unique_ids values (?)")) {
        for (int k = 0; k < 2; k++) {
          p.setInt(1, 7);
          try {
            p.executeUpdate();
          } catch (SQLException expected) {
            expected.getMessage();
          }
        }
      }
    }
  }

  static void fails(Connection c, String sql) {
    try (Statement s = c.createStatement()) {
      if (s.execute(sql)) drain(s.getResultSet());
    } catch (SQLException expected) {
      expected.getMessage();
    }
  }

  static void queries() throws SQLException {
    try (Connection c = connect("erin")) {
      c.createStatement().execute("create table numbers (n int, word varchar(1200))");
      c.setAutoCommit(false);
      PreparedStatement insert = c.prepareStatement("insert into numbers values (?, ?)");
      for (int k = 0; k < 40; k++) {
        insert.setInt(1, k);
        insert.setString(2, "number " + k + " of a block of 32 KiB ".repeat(45));
        insert.addBatch();
      }
      insert.executeBatch();
      c.commit();
      Statement s = c.createStatement();
      s.setFetchSize(20);
      drain(s.executeQuery("select n, word from numbers order by n"));
      ResultSet first = s.executeQuery("select word from numbers");
      first.next();
      first.close();
      Statement scrolling = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY);
      ResultSet scrolled = scrolling.executeQuery("select n from numbers where n < 30");
      scrolled.last();
      scrolled.first();
      scrolled.close();
      Statement updating = c.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_UPDATABLE);
      ResultSet updated = updating.executeQuery("select n from numbers where n = 7 for update");
      updated.next();
      updated.updateInt(1, 1007);
      updated.updateRow();
      updated.close();
      c.prepareCall("call syscs_util.syscs_set_runtimestatistics(0)").execute();
      s.executeUpdate("insert into numbers (word) values ('long text') -- " + "y".repeat(33000));
      c.rollback();
    }
  }

  static void pooled(int port) throws SQLException {
    ClientConnectionPoolDataSource source = new ClientConnectionPoolDataSource();
    source.setServerName("127.0.0.1");
    source.setPortNumber(port);
    source.setDatabaseName("lab");
    source.setCreateDatabase("create");
    source.setUser("frank");
    source.setPassword("s3cret-frank");
    PooledConnection pool = announced("frank", source.getPooledConnection());
    for (int k = 0; k < 3; k++) {
      try (Connection c = pool.getConnection(); PreparedStatement p = c.prepareStatement("values cast(? as int)")) {
        p.setInt(1, k);
        drain(p.executeQuery());
      }
    }
    pool.close();
  }

  static Xid xid(int number) {
    return new Xid() {
      public int getFormatId() {
        return 4711;
      }

      public byte[] getGlobalTransactionId() {
        return new byte[] {1, 2, (byte) number};
      }

      public byte[] getBranchQualifier() {
        return new byte[] {3};
      }
    };
  }

  static void xa(int port) throws Exception {
    ClientXADataSource source = new ClientXADataSource();
    source.setServerName("127.0.0.1");
    source.setPortNumber(port);
    source.setDatabaseName("lab");
    source.setCreateDatabase("create");
    source.setUser("grace");
    source.setPassword("s3cret-grace");
    var connection = announced("grace", source.getXAConnection());
    XAResource resource = connection.getXAResource();
    Connection c = connection.getConnection();
    for (int k = 1; k <= 2; k++) {
      resource.start(xid(k), XAResource.TMNOFLAGS);
      try (Statement s = c.createStatement()) {
        s.execute("create table branch" + k + " (n int)");
      }
      resource.end(xid(k), XAResource.TMSUCCESS);
      resource.prepare(xid(k));
      if (k == 1) resource.commit(xid(k), false);
      else resource.rollback(xid(k));
    }
    resource.recover(XAResource.TMSTARTRSCAN);
    connection.close();
  }

  static void loginFailure(int port) {
    refused("jdbc:derby://127.0.0.1:" + port + "/missing");
  }

  /** Refused only by a server that requires authentication. */
  static void wrongPassword() throws SQLException {
    refused(url);
    connect("alice").close();
  }

  static void drain(ResultSet rows) throws SQLException {
    while (rows.next()) rows.getObject(1);
    rows.close();
  }
}
